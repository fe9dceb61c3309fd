// The best items of a market's customers, a part of the file at a time, so that a page can write them as they come.
import { csvField } from '../../common/csv.ts';
import { loadModel } from '../../models/load.ts';
import type { Recommender } from '../../recommend/recommender.ts';
import { startThreads, type ThreadedKernels } from '../../threads/pool.ts';
import { workers } from './training.ts';

const CUSTOMERS = 1000;
/** From this number of customers on, starting threads saves time. */
const THREADED_FROM = 4000;

export interface BatchRequest {
  market: string;
  k: number;
  format: 'csv' | 'jsonl';
  /** The first customer of this part. */
  from: number;
}

let threaded: { file: Uint8Array; recommender: Recommender; kernels: ThreadedKernels } | undefined;

/** The model of a file on all threads, from one part to the next. */
async function onThreads(file: Uint8Array): Promise<Recommender> {
  if (threaded?.file === file) return threaded.recommender;
  await endBatch();
  const kernels = await startThreads({ workers });
  threaded = { file, recommender: await loadModel(file, { kernels }), kernels };
  return threaded.recommender;
}

/** Ends the threads of a batch, whole or stopped. */
export async function endBatch(): Promise<void> {
  const ended = threaded;
  threaded = undefined;
  await ended?.kernels.close();
}

/** `next` is the first customer of the next part, −1 after the last. */
export async function batchPart(
  { recommender: one, bytes }: { recommender: Recommender; bytes: Uint8Array },
  { market, k, format, from }: BatchRequest,
): Promise<{ text: string; lines: number; next: number }> {
  const { users = [] } = one.model.markets.find(({ name }) => name === market) ?? {};
  const recommender = users.length < THREADED_FROM ? one : await onThreads(bytes);
  const some = users.slice(from, from + CUSTOMERS);
  const answers = await recommender.recommendAll(some.map((user) => ({ market, user, k })));
  const lines = answers.flatMap(({ items, fallback }, i) => {
    const user = some[i];
    if (format === 'jsonl')
      return [JSON.stringify({ user, items: items.map(({ item }) => item), ...(fallback && { fallback }) })];
    return items.map(({ item, score }, rank) => [csvField(user), rank + 1, csvField(item), score].join(','));
  });
  const header = from === 0 && format === 'csv' ? ['user,rank,item,score'] : [];
  const next = from + some.length < users.length ? from + some.length : -1;
  return { text: `${[...header, ...lines].join('\n')}\n`, lines: lines.length, next };
}
