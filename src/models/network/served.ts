// What all kinds of networks have in common as they are served: their file and their scorer.
import { ArgumentError } from '../../common/errors.ts';
import type { Model } from '../../model/model.ts';
import type { Field } from '../../model/sections.ts';
import { SINCE } from '../linear-served.ts';
import { givenIn } from '../options.ts';
import type { ServedKind } from '../served-kind.ts';
import { arraysOf, type Network, type NetworkSizes } from './network.ts';
import { valuesIn } from './parameters.ts';
import { networkScorer } from './scorer.ts';

/** Largest magnitude of a parameter: beyond it a training has diverged, and scores might leave the range of f32. */
const MAX_PARAMETER = 1000;

/** What a file of a network has besides users and items. */
export const NETWORK_FIELDS: readonly Field[] = [
  { name: 'parameters', type: 'f32', sections: { 8: 'parameters' }, use: 'network', required: true, since: 4 },
];

/** Options that every network has. */
export interface NetworkOptions {
  epochs: number;
  batch: number;
  negatives: number;
  learningRate: number;
  l2: number;
  dropout?: number;
  seed: number;
}

/** A kind of network, by what is its own. */
export interface NetworkSpec<Options extends NetworkOptions> {
  readonly name: string;
  readonly code: number;
  readonly resolve: (given: Readonly<Record<string, unknown>>) => Options;
  readonly network: (options: Options, sizes: NetworkSizes) => Network;
}

/** How files of a kind of network are read and scored. */
export function servedNetwork<const Name extends string, Options extends NetworkOptions>(
  spec: NetworkSpec<Options> & { readonly name: Name },
) {
  const networkOf = (model: Model): Network =>
    spec.network(spec.resolve(givenIn(model.training.options)), {
      users: model.markets.reduce((sum, { users }) => sum + users!.length, 0),
      items: model.items.length,
      markets: model.markets.length,
    });
  return {
    name: spec.name,
    code: spec.code,
    since: SINCE,
    whole: NETWORK_FIELDS,
    fields: [],
    flaw: (model) =>
      model.markets.some(({ users }) => !users)
        ? 'a market without users, whom the network is for'
        : flawOfParameters(model, () => valuesIn(arraysOf(networkOf(model)))),
    scorer: (model, kernels) => networkScorer(model, networkOf(model), kernels),
  } as const satisfies ServedKind;
}

/** Why a model's parameters cannot be those of its kind. @param expected their number, from what the model records */
export function flawOfParameters({ parameters }: Model, expected: () => number): string | undefined {
  try {
    const { length } = parameters!;
    if (length !== expected()) return `${length} parameters where users, items and options make ${expected()}`;
  } catch (error) {
    if (error instanceof ArgumentError) return `recorded options that no training has (${error.message})`;
    throw error;
  }
  return diverged(parameters!) ? `a parameter above ${MAX_PARAMETER} in magnitude` : undefined;
}

/** Whether a value is beyond what any training ends with. */
export const diverged = (values: Float32Array) => values.some((value) => !(Math.abs(value) <= MAX_PARAMETER));
