import type { ModelKind } from '../kind.ts';
import { M3REC_OPTIONS, type M3RecOptions, resolveM3RecOptions } from './options.ts';
import { m3rec as served } from './served.ts';
import { costs, train } from './train.ts';
import { updating } from './update.ts';

/** M3Rec (SIGIR 2022), and with preset softmax what goes beyond it. */
export const m3rec = {
  ...served,
  title: 'M3Rec: similarities within and between markets, and vectors adapted to each market',
  personal: true,
  foldsIn: true,
  explains: true,
  options: M3REC_OPTIONS,
  resolve: resolveM3RecOptions,
  train,
  costs,
  // P and V
  columns: (_, { dim }) => 2 * dim,
  updating,
} as const satisfies ModelKind<M3RecOptions>;
