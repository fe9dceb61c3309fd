// Ranks of held-out rows, all of a market's or a range of them: what an evaluation's means are made of.
import { checkInteger } from '../common/errors.ts';
import { Job, type Step } from '../common/job.ts';
import type { Markets } from '../data/markets.ts';
import type { Model } from '../model/model.ts';
import type { Recommender } from '../recommend/recommender.ts';
import { chooseRows, type RankedRows } from './held-out.ts';
import { Ranker } from './ranker.ts';
import { checkOptions, chooseMarkets, type EvaluateOptions } from './settings.ts';

/** Rank and number of candidates of each row of a range. */
export async function rankRows(
  ranker: Ranker,
  { rows, users }: RankedRows,
  [begin, end]: readonly [begin: number, end: number],
  step: Step,
  job: Job,
): Promise<Float64Array> {
  const ranks = new Float64Array(2 * (end - begin));
  for (let i = begin; i < end; i++) {
    const { rank, candidates } = ranker.rank(rows[i], users[i]);
    ranks.set([rank, candidates], 2 * (i - begin));
    if ((i - begin) % 16 === 15) await job.tick(step, i - begin + 1, end - begin);
  }
  await job.tick(step, end - begin, end - begin);
  return ranks;
}

/**
 * How many rows of each market `evaluate` ranks, in the order of the markets, those without any left out.
 * @throws ArgumentError as `evaluate`.
 * @internal
 */
export function countRows(
  model: Model,
  markets: Markets,
  options: EvaluateOptions,
): { market: string; rows: number }[] {
  const { heldOut, repeat } = checkOptions(options);
  const names = { markets: model.markets.map(({ name }) => name) };
  return chooseMarkets(names, markets, heldOut, options.markets).known.flatMap((market) => {
    const { rows } = chooseRows(
      model,
      model.markets.find(({ name }) => name === market.name)!,
      market,
      heldOut,
      repeat,
    );
    return rows.length > 0 ? [{ market: market.name, rows: rows.length }] : [];
  });
}

/**
 * Rank and number of candidates of each row of a range of one market's rows, as `evaluate` ranks them all.
 * @throws ArgumentError as `evaluate`, and for a range beyond the rows.
 * @internal
 */
export async function rankRange(
  recommender: Recommender,
  markets: Markets,
  name: string,
  range: readonly [begin: number, end: number],
  options: EvaluateOptions,
): Promise<Float64Array> {
  const job = new Job(options);
  const settings = checkOptions(options);
  const [market] = chooseMarkets(recommender, markets, settings.heldOut, [name]).known;
  const { model } = recommender;
  const marketModel = model.markets.find((each) => each.name === name)!;
  const chosen = chooseRows(model, marketModel, market, settings.heldOut, settings.repeat);
  checkInteger('range', range[1], range[0], chosen.rows.length);
  const ranker = new Ranker(recommender, model, marketModel, markets, market, settings, chosen);
  return rankRows(ranker, chosen, range, { stage: `evaluate ${name}`, id: 'evaluate', market: name }, job);
}
