// What NeuMF may start from: GMF and MLP, each trained by itself (He et al., WWW 2017).
import type { Markets } from '../../data/markets.ts';
import type { TrainRun } from '../kind.ts';
import { baseNetwork } from './base.ts';
import { learningStage, type NamedArrays, namedArrays } from './kind.ts';
import { sizesOf } from './network.ts';
import type { NetworkOptions } from './served.ts';
import { GMF_TABLES, TOWER_TABLES } from './towers.ts';

/** NeuMF goes on from both parts at this share of the learning rate: they are near an optimum already. */
export const AFTER_PRETRAINING = 0.5;

/** What GMF, MLP and NeuMF cost, in epochs of MLP: without layers GMF is a small part. */
export const pretrainingCosts = (epochs: number): number[] => [0.1 * epochs, epochs, epochs];

/**
 * Trains GMF and MLP, and gives the arrays of NeuMF: their tables and layers, and half of their last weights and biases,
 * so that the logit is the mean of theirs.
 * @param shared whether MLP's tables start as GMF's (FOREC)
 */
export async function pretrainedParts(
  data: Markets,
  options: NetworkOptions & { dim: number },
  widths: readonly number[],
  { run, selectBy }: Pick<TrainRun, 'run' | 'selectBy'>,
  shared: boolean,
): Promise<NamedArrays> {
  const sizes = sizesOf(data);
  const product = baseNetwork(['product'], sizes, options.dim);
  const learned = async (...args: Parameters<typeof learningStage>) => (await run(learningStage(...args), data)).values;
  const gmf = namedArrays(product, await learned('GMF, for its start', product, options, selectBy));
  const tables = TOWER_TABLES.map((name, i): [string, Float32Array] => [name, gmf.get(GMF_TABLES[i])!]);
  const towers = baseNetwork(['tower'], sizes, options.dim, widths);
  const start = new Map(shared ? tables : []);
  const mlp = namedArrays(towers, await learned('MLP, for its start', towers, options, selectBy, start));
  return meanOf(gmf, mlp);
}

/** The arrays of NeuMF whose logit is the mean of those of GMF and of MLP. */
export function meanOf(gmf: NamedArrays, mlp: NamedArrays): NamedArrays {
  const half = (values: Float32Array) => values.map((value) => value / 2);
  return new Map(
    [...gmf, ...mlp].map(([name, values]) => {
      if (name === 'bias') return [name, values.map((_, i) => (gmf.get(name)![i] + mlp.get(name)![i]) / 2)];
      return [name, name.startsWith('head of') ? half(values) : values];
    }),
  );
}
