import { learnedFoldIn } from '../../embedding/learned-fold-in.ts';
import { pairColumns, pairMarkets, pairStage, pairsOf, perRootOfUsers } from '../bpr/pairs.ts';
import { bothWays, mergeInteractions } from '../interactions.ts';
import type { ModelKind } from '../kind.ts';
import { type ResolvedValues, resolveTable } from '../options.ts';
import { LIGHTGCN_OPTIONS } from './options.ts';
import { lightgcn as served } from './served.ts';

/**
 * LightGCN (He et al., 2020) on all markets together: ē = 1/(L+1) Σ_{l≤L} Ã^l e over the graph of users and items, in which
 * markets meet at the items that they share. An unseen user is the mean without their own e⁰, Σ_{l<L} Σ_{i∈x} e_i^(l) /
 * √(|x| D_i): up to the factor √|x|, which moves no order, a mean over rows.
 */
export const lightgcn = {
  ...served,
  title: 'LightGCN: vectors of users and items, smoothed over the graph of who has what',
  personal: true,
  foldsIn: true,
  explains: true,
  options: LIGHTGCN_OPTIONS,
  resolve: (given) => resolveTable(LIGHTGCN_OPTIONS, given),
  columns: pairColumns,

  async train(data, options, { run, kernels }) {
    const interactions = bothWays(await kernels(), mergeInteractions(data));
    const input = { ...interactions, markets: pairsOf(data) };
    const { users, items, below } = await run(pairStage({ ...options, biased: false, loss: 'pairs' }), input);
    const { dim } = options;
    const foldIn = below
      ? perRootOfUsers(below, interactions.transposed, dim)
      : learnedFoldIn(await kernels(), interactions.X, users, items, dim);
    return pairMarkets(data, { dim, users, items, foldIn });
  },
} as const satisfies ModelKind<ResolvedValues<typeof LIGHTGCN_OPTIONS>>;
