import { learnedFoldIn } from '../../embedding/learned-fold-in.ts';
import { transpose } from '../../matrix/transpose.ts';
import { pairColumns, pairMarkets, pairStage, perRootOfUsers } from '../bpr/pairs.ts';
import { bothWays } from '../interactions.ts';
import type { ModelKind } from '../kind.ts';
import { type ResolvedValues, resolveTable } from '../options.ts';
import { BITGCF_OPTIONS } from './options.ts';
import { bitgcf as served } from './served.ts';
import { blocksOf, startsOf, transferOf } from './transfer.ts';

/**
 * Bi-TGCF (Liu et al., 2020) with LightGCN's steps: each market has its own graph and its own vectors of items, and after
 * each step an item's vectors of different markets are mixed (transfer.ts). The original is for two domains that share
 * users; this is its mirror for markets that share items. An unseen user is folded in as by LightGCN, in their market.
 */
export const bitgcf = {
  ...served,
  title: 'Bi-TGCF: a graph for each market, whose layers pass on what markets know of the items that they share',
  personal: true,
  foldsIn: true,
  explains: true,
  options: BITGCF_OPTIONS,
  resolve: (given) => resolveTable(BITGCF_OPTIONS, given),
  columns: pairColumns,

  async train(data, options, { run, kernels }) {
    const { dim, transfer: own } = options;
    const interactions = bothWays(await kernels(), blocksOf(data));
    const there = transferOf(data, own);
    const starts = startsOf(data);
    const places = data.markets.map(({ items }, m) => Int32Array.from(items, (_, position) => starts[m] + position));
    const { users, items, below } = await run(pairStage({ ...options, biased: false }), {
      ...interactions,
      markets: data.markets.map(({ interactions: { rows } }, m) => ({ users: rows, items: places[m] })),
      transfer: { there, back: transpose(await kernels(), there) },
    });
    const foldIn = below
      ? perRootOfUsers(below, interactions.transposed, dim)
      : learnedFoldIn(await kernels(), interactions.X, users, items, dim);
    return pairMarkets(data, { dim, users, items, foldIn, places });
  },
} as const satisfies ModelKind<ResolvedValues<typeof BITGCF_OPTIONS>>;
