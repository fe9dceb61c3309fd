import { learnedFoldIn } from '../../embedding/learned-fold-in.ts';
import { bothWays, mergeInteractions } from '../interactions.ts';
import type { ModelKind } from '../kind.ts';
import { type ResolvedValues, resolveTable } from '../options.ts';
import { BPR_OPTIONS } from './options.ts';
import { pairColumns, pairMarkets, pairStage, pairsOf } from './pairs.ts';
import { bpr as served } from './served.ts';

/**
 * Factorisation by pairs (Rendle et al., 2009) of all markets together: one vector and one bias for each item, a vector
 * for each user. Who is not a user of the model is folded in approximately, by a linear map of the mean of the history's
 * vectors that fits the users who are.
 */
export const bpr = {
  ...served,
  title: 'BPR: vectors of users and items, learned from pairs of a seen and an unseen item',
  personal: true,
  foldsIn: true,
  explains: true,
  options: BPR_OPTIONS,
  resolve: (given) => resolveTable(BPR_OPTIONS, given),
  columns: pairColumns,

  async train(data, options, { run, kernels }) {
    const interactions = bothWays(await kernels(), mergeInteractions(data));
    const input = { ...interactions, markets: pairsOf(data) };
    const { users, items } = await run(
      pairStage({ ...options, depth: 0, dropout: 0, biased: true, loss: 'pairs' }),
      input,
    );
    const { dim } = options;
    const bias = new Float32Array(items.length / dim);
    for (let item = 0; item < bias.length; item++) {
      bias[item] = items[item * dim + dim - 1];
      items[item * dim + dim - 1] = 0;
    }
    for (let user = 0; user < users.length / dim; user++) users[user * dim + dim - 1] = 0;
    const foldIn = learnedFoldIn(await kernels(), interactions.X, users, items, dim);
    return pairMarkets(data, { dim, users, items, foldIn, bias });
  },
} as const satisfies ModelKind<ResolvedValues<typeof BPR_OPTIONS>>;
