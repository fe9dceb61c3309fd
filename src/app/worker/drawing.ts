// The map of a market's items: their nearest neighbours by the model, then positions that settle.
import type { CallOptions } from '../../browser/calls.ts';
import { AbortedError } from '../../common/errors.ts';
import type { Recommender } from '../../recommend/recommender.ts';
import { itemsOf } from './answers.ts';
import { PASSES, settle } from './map.ts';

const NEIGHBOURS = 15;

export async function drawMap(
  recommender: Recommender,
  market: string,
  { onProgress, signal }: Required<CallOptions>,
): Promise<{ items: string[]; at: Float32Array<ArrayBuffer> }> {
  const items = itemsOf(recommender.model, market);
  const position = new Map(items.map((item, i) => [item, i]));
  const neighbours = new Int32Array(items.length * NEIGHBOURS).fill(-1);
  const total = items.length + PASSES;
  const report = async (done: number) => {
    onProgress({ stage: 'map', id: 'map', done, total });
    await new Promise((resolve) => setTimeout(resolve));
    if (signal.aborted) throw new AbortedError('the map was stopped');
  };
  for (const [i, item] of items.entries()) {
    for (const [e, { item: other }] of recommender.similar({ market, item, k: NEIGHBOURS }).entries())
      neighbours[i * NEIGHBOURS + e] = position.get(other)!;
    if (i % 250 === 0) await report(i);
  }
  let at = new Float32Array(0);
  let pass = 0;
  for (const positions of settle(items.length, neighbours)) {
    at = positions as Float32Array<ArrayBuffer>;
    if (++pass % 10 === 0) await report(items.length + pass);
  }
  return { items, at };
}
