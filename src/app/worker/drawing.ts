// The map of a market's items: their nearest neighbours by the model, then positions that settle.
import type { CallOptions } from '../../browser/calls.ts';
import { AbortedError } from '../../common/errors.ts';
import type { Model } from '../../model/model.ts';
import type { Recommender } from '../../recommend/recommender.ts';
import { itemsOf } from './answers.ts';
import { PASSES, settle } from './map.ts';

const NEIGHBOURS = 15;

/** Positions of a market's items, and the market that most customers of each item are in: its number in `homes`, −1 if unknown. */
export interface Drawn {
  items: string[];
  at: Float32Array<ArrayBuffer>;
  homes: string[];
  home: Int16Array<ArrayBuffer>;
}

/** @param all the model that has most markets */
export async function drawMap(
  recommender: Recommender,
  all: Model,
  market: string,
  { onProgress, signal }: Required<CallOptions>,
): Promise<Drawn> {
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
  return { items, at, homes: all.markets.map(({ name }) => name), home: homesOf(items, all) };
}

function homesOf(items: readonly string[], { items: ids, markets }: Model): Int16Array<ArrayBuffer> {
  const place = new Map(items.map((item, i) => [item, i]));
  const most = new Uint32Array(items.length);
  const home = new Int16Array(items.length).fill(-1);
  for (const [m, market] of markets.entries())
    for (const [position, item] of market.items.entries()) {
      const i = place.get(ids[item]);
      if (i === undefined || market.popularity[position] <= most[i]) continue;
      most[i] = market.popularity[position];
      home[i] = m;
    }
  return home;
}
