// An evaluation, by ranges of held-out rows: draws depend on seed, market and user alone, and means are made at the
// end in
// one order.
import { ArgumentError, M3RecError } from '../../common/errors.ts';
import { evaluate } from '../../evaluate/evaluate.ts';
import { rankRange } from '../../evaluate/rank-rows.ts';
import type { EvaluateOptions } from '../../evaluate/settings.ts';
import { joinMarkets, type MarketParts } from '../data-blobs.ts';
import type { JobInput, JobKind } from '../job-kind.ts';
import { objectOf, rangeOf, textOf, textsOf } from '../params.ts';
import type { Params } from '../plan.ts';
import { openModel } from './recommend.ts';

/** Inputs from the third on: rows, users and held-out rows of the markets `names`. */
async function marketsOf(params: Params, inputs: readonly JobInput[]) {
  const [catalogue, ...blobs] = inputs;
  const parts: MarketParts[] = [];
  for (const [m, name] of textsOf(params, 'names').entries()) {
    const [rows, users, heldOut] = blobs.slice(3 * m, 3 * m + 3);
    if (!heldOut) throw ArgumentError.because('inputs', 'there are fewer than the params say');
    parts.push({ name, rows: await rows.bytes(), users: await users.bytes(), heldOut: await heldOut.bytes() });
  }
  return joinMarkets(await catalogue.bytes(), parts);
}

/** Inputs: a model, the catalogue, and a market. Output: rank and candidates of its rows `range`, as f64. */
export const ranksJob: JobKind = {
  name: 'ranks',
  version: 1,
  async run(params, [model, ...data], context) {
    const { value: recommender } = await openModel(model, context);
    const { signal, onProgress } = context;
    const options = { ...(objectOf(params, 'options') as EvaluateOptions), signal, onProgress };
    const range = rangeOf(params, 2 ** 31 - 1);
    const ranks = await rankRange(recommender, await marketsOf(params, data), textOf(params, 'market'), range, options);
    return [new Uint8Array(ranks.buffer)];
  },
};

/** Inputs: a model, the catalogue, the markets, then the ranks of `cuts`. Output: the Evaluation, as JSON. */
export const evaluationJob: JobKind = {
  name: 'evaluation',
  version: 1,
  async run(params, [model, ...inputs], context) {
    const { value: recommender } = await openModel(model, context);
    const count = 1 + 3 * textsOf(params, 'names').length;
    const markets = await marketsOf(params, inputs.slice(0, count));
    const cuts = textsOf(params, 'cuts');
    if (inputs.length !== count + cuts.length)
      throw ArgumentError.because('inputs', 'there are others than the params say');
    const parts = new Map<string, Uint8Array[]>();
    for (const [i, market] of cuts.entries())
      parts.set(market, [...(parts.get(market) ?? []), await inputs[count + i].bytes()]);
    const ranks = new Map(
      [...parts].map(([market, pieces]) => {
        const bytes = Uint8Array.from(Buffer.concat(pieces));
        if (bytes.length % 16 !== 0) throw new M3RecError(`ranks of ${market} that are no pairs of numbers`);
        return [market, new Float64Array(bytes.buffer)];
      }),
    );
    const options = { ...(objectOf(params, 'options') as EvaluateOptions), signal: context.signal };
    const evaluation = await evaluate(recommender, markets, { ...options, perUser: true, ranks });
    return [new TextEncoder().encode(JSON.stringify(evaluation))];
  },
};
