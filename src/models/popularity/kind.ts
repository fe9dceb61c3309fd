import type { SparsePattern } from '../../matrix/sparse.ts';
import { growLearned } from '../grow-learned.ts';
import { countUsers, marketBasics } from '../interactions.ts';
import type { ModelKind } from '../kind.ts';
import { type M3RecOptions, resolveM3RecOptions } from '../m3rec/options.ts';
import { popularity as served } from './served.ts';

/** Scores an item by its users in the market, the same for everybody. */
export const popularity = {
  ...served,
  title: 'Popularity: the items that most users of the market have',
  personal: false,
  foldsIn: true,
  explains: false,
  options: {},
  // Files of this kind have recorded M3Rec's options since version 1.
  resolve: resolveM3RecOptions,

  async train({ markets }) {
    return {
      markets: markets.map((market) => ({ ...marketBasics(market), bias: biasOf(market.interactions) })),
    };
  },

  updating: {
    keepsVectors: false,
    checkTraining() {},
    check() {},
    async apply(model, { markets }) {
      return {
        markets: markets.map((market, m) => ({
          ...growLearned(model.markets[m], market, model.dim),
          bias: biasOf(market.interactions),
        })),
        residual: null,
      };
    },
  },
} as const satisfies ModelKind<M3RecOptions>;

const biasOf = (interactions: SparsePattern) => Float32Array.from(countUsers(interactions));
