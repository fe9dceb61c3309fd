import { gram, gramBytes } from '../../matrix/gram.ts';
import { slim as solve } from '../../similarity/slim.ts';
import { linearKind } from '../linear-kind.ts';
import { SLIM_OPTIONS } from './options.ts';
import { slim as served } from './served.ts';

/** SLIM (Ning and Karypis, 2011): weights of items that predict an item best, none below 0 and most of them 0. */
export const slim = linearKind({
  served,
  title: 'SLIM: few weights, none negative, that predict each item from the others',
  options: SLIM_OPTIONS,
  similarity: ({ lasso, ridge }) => ({
    bytes: ({ X }) => gramBytes(X),
    async run({ X, transposed }, context) {
      const value = await solve(context, gram(context.kernels, X, transposed), { lasso, ridge });
      return { value, fact: { items: value.rows, entries: value.values.length } };
    },
  }),
});
