// Many queries at once. Users of a market are answered in groups; a group is a task of kernel calls, on this thread or
// on others. The scorer's search answers a group if that saves time, else all its scores are computed: the same bits.

import type { Job } from '../common/job.ts';
import { type Address, plus } from '../engine/address.ts';
import { Choice } from '../engine/kernel-layout.ts';
import type { Arena, LinearMemory } from '../engine/memory.ts';
import { putStructs } from '../engine/struct.ts';
import { ranges, runTask, runTasks } from '../engine/tasks.ts';
import type { Call, Kernels } from '../engine/types.ts';
import { boughtIn, popularityScores } from '../model/elsewhere.ts';
import type { KnownMarket } from './known-markets.ts';
import type { CheckedHistory, CheckedQuery, Recommendation, Recommendations } from './query.ts';
import type { Evidence, Pending, Scorer, Search } from './scorer.ts';
import { type Best, bestOf, scanBest, type Wanted } from './top-k.ts';

/**
 * Users scored together: their vectors and a block of V fit in L1; their scores take 128 n bytes, the lists of a search
 * 256 n.
 */
const SCORED_TOGETHER = 32;
/** Groups of users per thread and step. */
const GROUPS_PER_THREAD = 8;
/** If k is above n / 32, a search would score much of the list exactly. */
const SEARCHED_SHARE = 32;
const NONE = new Int32Array(0);

/** A loaded model. */
export interface Served {
  readonly kernels: Kernels;
  readonly scorer: Scorer;
}

/** Users of one market that are answered together. */
interface UserGroup {
  /** The numbers of their queries. */
  orders: number[];
  queries: CheckedQuery[];
  search?: Search<Evidence>;
}

/** Answers the queries, in order. */
export function answerAll(served: Served, queries: readonly CheckedQuery[]): Recommendations[] {
  const { exports, memory } = served.kernels;
  const results: Recommendations[] = new Array(queries.length);
  for (const orders of byMarket(queries)) {
    onStack(memory, () => {
      for (const group of groupsOf(served, queries, orders, memory)) {
        onStack(memory, () => {
          const { calls, read } = prepare(served, group, memory);
          runTask(exports, calls);
          for (const [i, answer] of read().entries()) results[group.orders[i]] = answer;
        });
      }
    });
  }
  return results;
}

/** The last batch on each memory: settles when no batch runs on its threads. */
const turns = new WeakMap<LinearMemory, Promise<void>>();

/**
 * Answers the queries, in order, on all threads of the kernels. Batches on the same kernels run one after the other.
 *
 * @param checkOpen called before each step; an exception ends the batch.
 * @throws AbortedError if stopped through the job's signal; WorkerError if a thread fails or the kernels are closed.
 */
export function answerOnThreads(
  served: Served,
  queries: readonly CheckedQuery[],
  job: Job,
  checkOpen: () => void,
): Promise<Recommendations[]> {
  return inTurn(served.kernels.memory, () => answerInTurn(served, queries, job, checkOpen));
}

/** Starts `work` when no other work in turn runs on the threads of this memory. */
export function inTurn<T>(memory: LinearMemory, work: () => Promise<T>): Promise<T> {
  const result = (turns.get(memory) ?? Promise.resolve()).then(work);
  const settled = result.then(
    () => {},
    () => {},
  );
  turns.set(memory, settled);
  return result;
}

async function answerInTurn(
  served: Served,
  queries: readonly CheckedQuery[],
  job: Job,
  checkOpen: () => void,
): Promise<Recommendations[]> {
  const { memory, pool } = served.kernels;
  const results: Recommendations[] = new Array(queries.length);
  const together = GROUPS_PER_THREAD * (pool?.threads ?? 1);
  let done = 0;
  // The event loop runs meanwhile, and others may use the stack: so regions.
  const market = memory.region();
  const step = memory.region();
  try {
    for (const orders of byMarket(queries)) {
      checkOpen();
      const groups = groupsOf(served, queries, orders, market);
      for (const [begin, end] of ranges(groups.length, together)) {
        checkOpen();
        const chosen = groups.slice(begin, end);
        const prepared = chosen.map((group) => prepare(served, group, step));
        await runTasks(
          served.kernels,
          prepared.map(({ calls }) => calls),
          () => job.turn(),
        );
        checkOpen();
        for (const [g, { orders }] of chosen.entries()) {
          for (const [i, answer] of prepared[g].read().entries()) results[orders[i]] = answer;
          done += orders.length;
        }
        step.free();
        await job.tick('recommend', done, queries.length);
      }
      market.free();
    }
  } finally {
    step.free();
    market.free();
  }
  return results;
}

/** Runs `work` on top of the memory's stack, then frees what it allocated. */
export function onStack<T>(memory: LinearMemory, work: () => T): T {
  const mark = memory.mark();
  try {
    return work();
  } finally {
    memory.release(mark);
  }
}

/** The numbers of the queries of each market. */
function byMarket(queries: readonly CheckedQuery[]): Iterable<number[]> {
  const orders = new Map<KnownMarket, number[]>();
  for (const [order, { market }] of queries.entries()) {
    const known = orders.get(market);
    if (known) known.push(order);
    else orders.set(market, [order]);
  }
  return orders.values();
}

/** Users of one market, in groups that are scored together. */
function groupsOf(
  { scorer }: Served,
  queries: readonly CheckedQuery[],
  orders: readonly number[],
  scratch: Arena,
): UserGroup[] {
  const { market } = queries[orders[0]];
  const isSearched = (order: number) => SEARCHED_SHARE * queries[order].k <= market.n;
  const searched = orders.filter(isSearched);
  const search = scorer.search?.(market.number, searched.length, scratch);
  const cut = (chosen: readonly number[], search?: Search<Evidence>): UserGroup[] =>
    ranges(chosen.length, SCORED_TOGETHER).map(([from, to]) => {
      const orders = chosen.slice(from, to);
      return { orders, queries: orders.map((order) => queries[order]), search };
    });
  return search ? [...cut(searched, search), ...cut(orders.filter((order) => !isSearched(order)))] : cut(orders);
}

/** The calls that answer a group. */
function prepare(served: Served, { queries, search }: UserGroup, scratch: Arena): Pending<Recommendations[]> {
  const { kernels, scorer } = served;
  const { market } = queries[0];
  const { n } = market;
  const histories = queries.map(({ history }) => history);
  const { masks, call } = exclude(kernels, queries, scratch);
  const wanted = queries.map(({ k }, i): Wanted => ({ excluded: plus(masks, n * i), k: Math.min(k, n) }));
  let calls: Call[];
  let found: () => { evidence: Evidence[]; best: Best[] };
  if (search) {
    const pending = search(histories, wanted, scratch);
    calls = [call, ...pending.calls];
    found = pending.read;
  } else {
    const scores = scratch.allocate(4 * n * queries.length);
    const pending = scorer.score(market.number, histories, scores, scratch);
    const each = wanted.map(({ excluded, k }, i) => ({ scores: plus(scores, 4 * n * i), excluded, k }));
    const top = scanBest(kernels, n, each, scratch);
    calls = [...pending.calls, call, top.call];
    found = () => ({ evidence: pending.read(), best: top.read() });
  }
  const read = () => {
    const { evidence, best } = found();
    return queries.map((query, i) =>
      evidence[i].informed
        ? answer(scorer, query, evidence[i], best[i])
        : onStack(kernels.memory, () => answer(scorer, query, undefined, mostPopular(kernels, market, wanted[i]))),
    );
  };
  return { calls, read };
}

/** The best items by popularity. */
function mostPopular(kernels: Kernels, { n, model }: KnownMarket, wanted: Wanted): Best {
  const { memory } = kernels;
  return bestOf(kernels, n, memory.put(popularityScores(model)), wanted, memory);
}

/** A byte per query and item of their market. The call sets it to 1 for the items that the query leaves out. */
function exclude(
  { memory }: Kernels,
  queries: readonly CheckedQuery[],
  scratch: Arena,
): { masks: Address; call: Call } {
  const { market } = queries[0];
  const masks = scratch.allocate(market.n * queries.length);
  const lists = queries.map(({ only, without, history, includeSeen }) => {
    const seen = includeSeen ? NONE : history.positions;
    return {
      only: only && market.positionsOf(only),
      left: without.length === 0 ? seen : [...market.positionsOf(without), ...seen],
    };
  });
  const total = lists.reduce((sum, { only, left }) => sum + (only?.length ?? 0) + left.length, 0);
  const items = scratch.allocate(4 * total);
  const item = memory.i32(items, total);
  let at = 0;
  const choices = lists.map(({ only, left }): Choice => {
    const first = plus(items, 4 * at);
    for (const list of [only ?? NONE, left]) {
      item.set(list, at);
      at += list.length;
    }
    return { items: first, only: only?.length ?? -1, without: left.length };
  });
  return { masks, call: ['maskBatch', queries.length, market.n, masks, putStructs(scratch, Choice, choices)] };
}

/** @param evidence undefined if the scores are popularity */
function answer(
  scorer: Scorer,
  { market, explain, history }: CheckedQuery,
  evidence: Evidence | undefined,
  { positions, scores, from, kept }: Best,
): Recommendations {
  const items: Recommendation[] = [];
  for (let i = from; i < from + kept; i++) {
    const elsewhere = boughtIn(market.model, positions[i]);
    const found: Recommendation = {
      item: market.itemId(positions[i]),
      score: scores[i],
      ...(elsewhere && { boughtIn: elsewhere }),
    };
    if (explain > 0) Object.assign(found, explanation(scorer, market, history, evidence, positions[i], explain));
    items.push(found);
  }
  return { items, ...(!evidence && { fallback: 'popularity' as const }), unknownItems: history.unknownItems };
}

function explanation(
  scorer: Scorer,
  market: KnownMarket,
  history: CheckedHistory,
  evidence: Evidence | undefined,
  position: number,
  most: number,
): Pick<Recommendation, 'because' | 'own' | 'bias'> {
  if (!evidence) return { because: [] };
  const { because, ...rest } = scorer.explain!(market.number, history, evidence, position, most);
  return {
    because: because.map(({ position, contribution }) => ({ item: market.itemId(position), contribution })),
    ...rest,
  };
}
