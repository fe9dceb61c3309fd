import type { Markets } from '../../data/markets.ts';
import type { SparseMatrix } from '../../matrix/sparse.ts';
import type { MarketModel } from '../../model/model.ts';
import { bothWays, countUsers, type Interactions, marketBasics } from '../interactions.ts';
import type { ModelKind, Run } from '../kind.ts';
import { givenIn } from '../options.ts';
import { tieBreak } from '../tie-break.ts';
import { resolveTransferOptions, TRANSFER_OPTIONS, type TransferOptions } from './options.ts';
import { othersOver } from './others.ts';
import { transfer as served } from './served.ts';
import { marketSimilarity, othersSimilarity } from './stages.ts';

/**
 * EASEᴿ (Steck, 2019) of each market, with that of the other markets as the mean that it shrinks to:
 *   B_m = argmin ‖X_m − X_m B‖² + λ ‖B − s · B_others‖², diag B = 0,
 * where B_others is the EASE of the other markets' users over the items that market m sells. An entry moves from s ·
 * B_others toward what the market's own users say as fast as they say it: one λ and one s serve markets of any size,
 * and a market without users has s · B_others. The score of item k for a history x is
 *   Σ_{i∈x} B_ik + max_{i∈x} w (B_ik + J_ik) + bias_k,
 * over the entries B_ik ≥ ε, with J Jaccard's similarity in the market, and w and λ, s among the options. The bias
 * orders by popularity what nothing in the history speaks for.
 */
export const transfer = {
  ...served,
  title: 'EASE of each market, started from what the other markets know',
  personal: true,
  foldsIn: true,
  explains: true,
  options: TRANSFER_OPTIONS,
  resolve: resolveTransferOptions,
  train: async (markets, options, run) => ({ markets: await trainMarkets(markets, options, run) }),

  // All is counted and solved, in about the time that an update of inverses would take.
  updating: {
    checkTraining() {},
    check() {},
    async apply(model, grown, run) {
      const options = resolveTransferOptions(givenIn(model.training.options));
      return { markets: await trainMarkets(grown, options, run), residual: null };
    },
  },
} as const satisfies ModelKind<TransferOptions>;

async function trainMarkets(data: Markets, options: TransferOptions, { run, kernels }: Run): Promise<MarketModel[]> {
  const models: MarketModel[] = [];
  for (const [number, market] of data.markets.entries()) {
    const others = othersOver(data, number);
    let prior: SparseMatrix | undefined;
    if (options.borrow > 0 && others.X.rows > 0) {
      const taken: Interactions = bothWays(await kernels(), others.X);
      prior = await run(othersSimilarity(options, market.name, others.sources), taken);
    }
    const own = bothWays(await kernels(), market.interactions);
    const { similarity, maxima } = await run(marketSimilarity(options, market.name, prior), own);
    const bias = tieBreak(countUsers(market.interactions), countUsers(others.X));
    models.push({ ...marketBasics(market), linear: similarity, maxima, linearWeight: 1, bias });
  }
  return models;
}
