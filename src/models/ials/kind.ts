import type { Markets } from '../../data/markets.ts';
import { type AlsFactors, type AlsInput, type AlsOptions, als, alsBytes } from '../../embedding/als.ts';
import type { Stage } from '../../engine/stage.ts';
import type { Table } from '../../model/table.ts';
import { dotParts, EXTRA } from '../dot-parts.ts';
import { bothWays, marketBasics, mergeInteractions } from '../interactions.ts';
import { rowsOf } from '../item-vectors.ts';
import type { ModelKind } from '../kind.ts';
import { type ResolvedValues, resolveTable } from '../options.ts';
import { IALS_OPTIONS } from './options.ts';
import { ials as served } from './served.ts';

type IalsOptions = ResolvedValues<typeof IALS_OPTIONS>;

/**
 * Factorisation by alternating least squares (Hu et al., 2008; Rendle et al., 2022) of all markets together: one vector for
 * each item. The vector of a user is the solution for their history, so anyone is folded in exactly and no user is stored.
 */
export const ials = {
  ...served,
  title: 'iALS: vectors of users and items by alternating least squares',
  personal: true,
  foldsIn: true,
  explains: false,
  options: IALS_OPTIONS,
  resolve: (given) => resolveTable(IALS_OPTIONS, given),
  columns: (_, { dim }) => 2 * (dim + EXTRA),

  async train(data, options, { run, kernels }) {
    const { X, transposed } = bothWays(await kernels(), mergeInteractions(data));
    const { dim, alpha0, power, unobserved } = options;
    const input = { X, transposed, markets: pairsOf(data, unobserved) };
    const settings = { ...options, ridge: options.regularisation };
    const { items, grams } = await run(factors(settings), input);
    const markets = data.markets.map((market, m) => {
      const vectors = rowsOf({ vectors: items, width: dim }, market.items);
      const { vectors: unit, cosineWeight: length } = dotParts(dim, vectors, new Float32Array(0));
      // with vectors divided by their greatest length, the equations are divided by its square
      const scale = 1 / (length * length);
      const part = input.markets[unobserved === 'merged' ? 0 : m];
      return {
        ...marketBasics(market),
        vectors: unit,
        cosineWeight: 1,
        gram: widened(grams[unobserved === 'merged' ? 0 : m], dim, scale),
        foldRidge: settings.ridge * scale,
        foldUnseen: alpha0 * part.items.length,
        foldPower: power,
      };
    });
    return { dim: dim + EXTRA, markets };
  },
} as const satisfies ModelKind<IalsOptions>;

/** The users whose pairs count as not seen, and with which items. */
function pairsOf({ items, markets }: Markets, unobserved: IalsOptions['unobserved']): AlsInput['markets'] {
  if (unobserved === 'market')
    return markets.map((market) => ({ users: market.interactions.rows, items: market.items }));
  const users = markets.reduce((sum, { interactions }) => sum + interactions.rows, 0);
  return [{ users, items: Int32Array.from(items.keys()) }];
}

function factors(options: AlsOptions): Stage<AlsInput, AlsFactors> {
  return {
    name: 'factors',
    id: 'factors',
    bytes: (input, exports) => alsBytes(input, options, exports),
    async run(input, context) {
      const value = await als(context, input, options);
      return { value, fact: { users: input.X.rows, items: input.X.cols } };
    },
  };
}

/** A matrix (d × d) times a number, with EXTRA rows and columns of zeros. */
function widened(square: Float32Array, d: number, scale: number): Table {
  const wide = new Float32Array((d + EXTRA) ** 2);
  for (let r = 0; r < d; r++) for (let c = 0; c < d; c++) wide[r * (d + EXTRA) + c] = square[r * d + c] * scale;
  return wide;
}
