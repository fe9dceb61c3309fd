// What the other markets give one: the curve of `m3rec gain`, measured on rows that were held back.
import type { CallOptions } from '../../browser/calls.ts';
import type { Markets } from '../../data/markets.ts';
import { measureGain } from '../../evaluate/gain.ts';
import type { TrainOptions } from '../../train/options.ts';
import type { GainFacts } from './api.ts';
import { holdOneOut } from './hold-out.ts';
import { workers } from './training.ts';

const SHARES = [0.1, 0.3];

/** Trains with shares of the market's customers, alone and with the others, and without each of the others. */
export async function gainIn(
  markets: Markets,
  market: string,
  train: TrainOptions,
  { onProgress, signal }: Required<CallOptions>,
): Promise<GainFacts> {
  const own = markets.markets.find(({ name }) => name === market)!;
  const [given] = Object.keys(own.heldOut).filter((name) => own.heldOut[name].length > 0);
  const data = given === undefined ? holdOneOut(markets) : markets;
  const { markets: found } = await measureGain(data, {
    train,
    markets: [market],
    heldOut: given ?? 'valid',
    negatives: 'all',
    shares: SHARES,
    onProgress,
    signal,
    workers,
  });
  const [{ rows, curve, without }] = found;
  return {
    market,
    rows,
    curve: curve.map(({ users, alone, together, differences }) => ({
      users,
      alone: alone.mrr,
      together: together.mrr,
      difference: differences.mrr.difference,
      error: differences.mrr.standardError,
    })),
    without: without.map(({ source, difference, standardError }) => ({ source, difference, error: standardError })),
  };
}
