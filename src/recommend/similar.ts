// The items most like an item: one on this thread, many on all of them.
import type { Job } from '../common/job.ts';
import { plus } from '../engine/address.ts';
import type { Arena } from '../engine/memory.ts';
import { ranges, runTask, runTasks } from '../engine/tasks.ts';
import type { Kernels } from '../engine/types.ts';
import { inTurn, onStack } from './batch.ts';
import type { KnownMarket } from './known-markets.ts';
import type { Scorer } from './scorer.ts';
import { type Best, type PendingTopK, scanBest } from './top-k.ts';

/** Items of a task: their scores take 4 n bytes each. */
const TOGETHER = 8;
/** Tasks per thread and step. */
const TASKS_PER_THREAD = 8;

/** What was asked, checked. */
export interface CheckedSimilar {
  market: KnownMarket;
  /** Its position in the market. */
  item: number;
  k: number;
}

export interface SimilarItem {
  item: string;
  score: number;
}

/** A loaded model of a kind that has similar items. */
interface Served {
  kernels: Kernels;
  scorer: Scorer & Required<Pick<Scorer, 'similar'>>;
}

export function similarTo(served: Served, query: CheckedSimilar): SimilarItem[] {
  const { exports, memory } = served.kernels;
  return onStack(memory, () => {
    const { calls, read } = prepare(served, [query], memory);
    runTask(exports, calls);
    return read()[0];
  });
}

/**
 * Answers the queries, in order, on all threads of the kernels.
 * @param checkOpen called before each step; an exception ends the work.
 */
export function similarOnThreads(
  served: Served,
  queries: readonly CheckedSimilar[],
  job: Job,
  checkOpen: () => void,
): Promise<SimilarItem[][]> {
  const { kernels } = served;
  const { memory, pool } = kernels;
  return inTurn(memory, async () => {
    const results: SimilarItem[][] = new Array(queries.length);
    const step = memory.region();
    try {
      for (const [begin, end] of ranges(queries.length, TOGETHER * TASKS_PER_THREAD * (pool?.threads ?? 1))) {
        checkOpen();
        const tasks = ranges(end - begin, TOGETHER).map(([from, to]) => ({
          first: begin + from,
          ...prepare(served, queries.slice(begin + from, begin + to), step),
        }));
        await runTasks(
          kernels,
          tasks.map(({ calls }) => calls),
        );
        for (const { first, read } of tasks) for (const [i, items] of read().entries()) results[first + i] = items;
        step.free();
        await job.tick('similar', end, queries.length);
      }
    } finally {
      step.free();
    }
    return results;
  });
}

/** The calls that answer some queries, and how to read the answers. */
function prepare({ kernels, scorer }: Served, queries: readonly CheckedSimilar[], scratch: Arena) {
  const pending = queries.map(({ market: { n, number }, item, k }) => {
    const scores = scratch.allocate(4 * n);
    const excluded = scratch.allocateZeroed(n);
    kernels.memory.u8(plus(excluded, item), 1)[0] = 1;
    const calls = scorer.similar(number, item, scores, scratch);
    const best: PendingTopK = scanBest(kernels, n, [{ scores, excluded, k: Math.min(k, n) }], scratch);
    return { calls: [...calls, best.call], best };
  });
  return {
    calls: pending.flatMap(({ calls }) => calls),
    read: () => pending.map(({ best }, i) => named(queries[i].market, best.read()[0])),
  };
}

/** The items with scores above 0. */
function named(market: KnownMarket, { positions, scores, from, kept }: Best): SimilarItem[] {
  return Array.from({ length: kept }, (_, i) => ({
    item: market.itemId(positions[from + i]),
    score: scores[from + i],
  })).filter(({ score }) => score > 0);
}
