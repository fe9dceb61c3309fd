import type { Markets } from '../../data/markets.ts';
import { countRows } from '../../evaluate/rank-rows.ts';
import type { EvaluateOptions } from '../../evaluate/settings.ts';
import { decodeModel } from '../../models/file.ts';
import { type MarketBlobs, putMarkets } from '../data-blobs.ts';
import { evaluationJob, ranksJob } from '../jobs/evaluate.ts';
import { type Plan, PlanBuilder } from '../plan.ts';
import type { Store } from '../store.ts';

/** Settings of an evaluation that a plan can hold. */
export type PlanEvaluateOptions = Omit<EvaluateOptions, 'onProgress' | 'signal' | 'protocol' | 'perUser' | 'ranks'> & {
  protocol?: 'clean' | 'as-published';
};

/** Rows that a second of one thread ranks, about. */
const ROWS_A_SECOND = 500;

/**
 * Cuts an evaluation into jobs. Their result is the JSON of what `evaluate` gives with `perUser`.
 * @param model the bytes of a model file
 * @param jobRows rows that one job ranks; no effect on the result
 * @throws ModelFileError for bytes that are no model; ArgumentError as `evaluate`.
 */
export async function planEvaluate(
  store: Store,
  model: Uint8Array,
  markets: Markets,
  options: PlanEvaluateOptions,
  build: string,
  jobRows = 2000,
): Promise<Plan> {
  const decoded = decodeModel(model);
  const counts = countRows(decoded, markets, options);
  const digest = await store.put(model);
  const data = await putMarkets(store, markets, true);
  const inputsOf = (some: MarketBlobs[]) => [
    data.items,
    ...some.flatMap(({ rows, users, heldOut }) => [rows, users, heldOut!]),
  ];
  const plan = new PlanBuilder();
  const cuts: string[] = [];
  const ranks = counts.flatMap(({ market, rows }) => {
    const own = data.markets.filter(({ name }) => name === market);
    return Array.from({ length: Math.ceil(rows / jobRows) }, (_, part) => {
      cuts.push(market);
      const range = [part * jobRows, Math.min(rows, (part + 1) * jobRows)];
      const params = { market, names: [market], range, options };
      return plan.add(ranksJob, params, [digest, ...inputsOf(own)], (range[1] - range[0]) / ROWS_A_SECOND);
    });
  });
  const params = { names: data.markets.map(({ name }) => name), cuts, options };
  plan.add(evaluationJob, params, [digest, ...inputsOf(data.markets), ...ranks], 0);
  return plan.finish('evaluate', build);
}
