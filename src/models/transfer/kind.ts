import type { Markets } from '../../data/markets.ts';
import { LANES } from '../../engine/kernel-layout.ts';
import type { SparseMatrix } from '../../matrix/sparse.ts';
import type { MarketModel } from '../../model/model.ts';
import { bothWays, countUsers, type Interactions, marketBasics, mergeInteractions } from '../interactions.ts';
import { rowsOf } from '../item-vectors.ts';
import type { ModelKind, Run, TrainedParts } from '../kind.ts';
import { givenIn } from '../options.ts';
import { tieBreak } from '../tie-break.ts';
import { resolveTransferOptions, TRANSFER_OPTIONS, type TransferOptions } from './options.ts';
import { othersOf } from './others.ts';
import { transfer as served } from './served.ts';
import { itemVectors, marketSimilarity, othersSimilarity } from './stages.ts';

/**
 * EASEᴿ (Steck, 2019) of each market, with that of the other markets as the mean that it shrinks to:
 *   B_m = argmin ‖X_m − X_m B‖² + λ ‖B − s · B_others‖², diag B = 0,
 * where B_others is the EASE of the other markets' users over the items that market m sells. An entry moves from s ·
 * B_others toward what the market's own users say as fast as they say it: one λ and one s serve markets of any size,
 * and a market without users has s · B_others. The score of item k for a history x is
 *   Σ_{i∈x} B_ik + max_{i∈x} w (B_ik + J_ik) + c · cos(Σ_{i∈x} V_i, V_k) + bias_k,
 * over the entries B_ik ≥ ε, with J Jaccard's similarity in the market, and w and λ, s among the options; V are the
 * largest singular vectors of all markets' interactions, which order what no similarity reaches. The bias orders by
 * popularity what nothing in the history speaks for.
 */
export const transfer = {
  ...served,
  title: 'EASE of each market, started from what the other markets know',
  personal: true,
  foldsIn: true,
  explains: true,
  options: TRANSFER_OPTIONS,
  resolve: resolveTransferOptions,
  train: trainMarkets,
  costs,
  columns: dimOf,

  // All is counted and solved, in about the time that an update of inverses would take.
  updating: {
    keepsVectors: false,
    checkTraining() {},
    check() {},
    async apply(model, grown, run) {
      // models of version 0.2.0 had no vectors, and recorded none
      const options = resolveTransferOptions({ singularVectors: 0, ...givenIn(model.training.options) });
      return { ...(await trainMarkets(grown, options, run)), residual: null };
    },
  },
} as const satisfies ModelKind<TransferOptions>;

async function trainMarkets(data: Markets, options: TransferOptions, { run, kernels }: Run): Promise<TrainedParts> {
  const dim = dimOf(data, options);
  const vectors = dim > 0 ? await run(itemVectors(dim, options.seed), mergeInteractions(data)) : undefined;
  const othersOfMarket = othersOf(data);
  const models: MarketModel[] = [];
  for (const [number, market] of data.markets.entries()) {
    const others = othersOfMarket(number);
    let prior: SparseMatrix | undefined;
    if (options.borrow > 0 && others.X.rows > 0) {
      const taken: Interactions = bothWays(await kernels(), others.X);
      prior = await run(othersSimilarity(options, market.name, others.sources), taken);
    }
    const own = bothWays(await kernels(), market.interactions);
    const { similarity, maxima } = await run(marketSimilarity(options, market.name, prior), own);
    const bias = tieBreak(countUsers(market.interactions), countUsers(others.X));
    models.push({
      ...marketBasics(market),
      linear: similarity,
      maxima,
      linearWeight: 1,
      bias,
      ...(vectors && { vectors: rowsOf(vectors, market.items), cosineWeight: options.cosineWeight }),
    });
  }
  return { ...(dim > 0 && { dim }), markets: models };
}

/** In what EASE of one item costs: solving its system, with a share of its group's. */
const VECTOR_COST = 5 / 256;

/** The vectors of all items, then each market's two stages. */
function costs(data: Markets, options: TransferOptions): number[] {
  const dim = dimOf(data, options);
  const stages = options.borrow > 0 && data.markets.length > 1 ? 2 : 1;
  return [
    ...(dim > 0 ? [VECTOR_COST * dim * data.items.length] : []),
    ...data.markets.flatMap(({ items }) => Array.from({ length: stages }, () => items.length)),
  ];
}

/** Most numbers of the vectors of all items: 134 MB. */
const MOST_NUMBERS = 2 ** 25;

/** The d that is asked for, or what so many items can use or may take. */
export function dimOf({ items }: Markets, { singularVectors }: TransferOptions): number {
  const useful = LANES * Math.ceil(items.length / LANES);
  const allowed = LANES * Math.max(1, Math.floor(MOST_NUMBERS / items.length / LANES));
  return Math.min(singularVectors, useful, allowed);
}
