import type { Model } from '../../model/model.ts';
import { SINCE } from '../linear-served.ts';
import { valuesIn } from '../network/parameters.ts';
import { flawOfParameters, NETWORK_FIELDS } from '../network/served.ts';
import { givenIn, resolveTable } from '../options.ts';
import type { ServedKind } from '../served-kind.ts';
import { arraysOfVae } from './layers.ts';
import { MULTVAE_OPTIONS } from './options.ts';
import { vaeScorer } from './scorer.ts';

export const resolveMultVae = (given: Readonly<Record<string, unknown>>) => resolveTable(MULTVAE_OPTIONS, given);

/** The options that a model records. */
const optionsOf = ({ training }: Model) => resolveMultVae(givenIn(training.options));

export const multvae = {
  name: 'multvae',
  code: 18,
  since: SINCE,
  whole: NETWORK_FIELDS,
  fields: [],
  flaw: (model) => flawOfParameters(model, () => valuesIn(arraysOfVae(optionsOf(model), model.items.length))),
  scorer: (model, kernels) => vaeScorer(model, optionsOf(model), kernels),
} as const satisfies ServedKind;
