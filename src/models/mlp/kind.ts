import type { ModelKind } from '../kind.ts';
import { networkKind } from '../network/kind.ts';
import { MLP_OPTIONS, type MlpOptions, mlp as served, spec } from './served.ts';

/** MLP: hidden layers on the embeddings of a user and an item. */
export const mlp = {
  ...networkKind(spec, served, 'MLP: hidden layers on the embeddings of a user and an item'),
  options: MLP_OPTIONS,
} as const satisfies ModelKind<MlpOptions>;
