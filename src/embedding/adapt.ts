import type { StageContext } from '../engine/stage.ts';
import { runTasks } from '../engine/tasks.ts';
import type { SparsePattern } from '../matrix/sparse.ts';
import {
  type Adaptation,
  type AdaptationInput,
  type LossOptions,
  MarketAdaptation,
  marketAdaptationBytes,
} from './market-adaptation.ts';
import { AdamRate } from './optimiser.ts';

export interface AdaptationOptions extends LossOptions {
  learningRate: number;
  /** Interactions of a mini-batch over all markets, in whole users. */
  batch: number;
  epochs: number;
}

/**
 * How much longer U_loc's steps are than those of dense Adam at the same rate. At 1 the shared V_loc has to fit each
 * user's own taste, and over 100 epochs it forgets V_glob: with the margin loss MRR on M2 and M3 was 31 / 38 % at 10,
 * 37 / 42 % at 100, 40 / 43 % at 300.
 */
const USER_PACE = 300;

/** What a market's steps take from the others: numbers alone, so that each may be adapted on a machine of its own. */
export interface AdaptationPlace {
  /** Number of the market, and of all markets. */
  index: number;
  markets: number;
  /** Users of the markets before it, and of all. */
  firstUser: number;
  users: number;
  /** Mini-batches of an epoch. */
  steps: number;
}

/** The place of each market among all. @param patterns X of all markets */
export function adaptationPlaces(
  patterns: readonly SparsePattern[],
  { batch }: Pick<AdaptationOptions, 'batch'>,
): AdaptationPlace[] {
  const users = patterns.reduce((sum, { rows }) => sum + rows, 0);
  const interactions = patterns.reduce((sum, { indices }) => sum + indices.length, 0);
  const steps = Math.max(1, Math.round(interactions / batch));
  let firstUser = 0;
  return patterns.map(({ rows }, index) => {
    const place = { index, markets: patterns.length, firstUser, users, steps };
    firstUser += rows;
    return place;
  });
}

/**
 * The mean loss of an interaction in the last epoch, added up in one order. @param losses of markets, by step: sum and
 * count
 */
export function meanLoss(losses: readonly Float64Array[]): number {
  let sum = 0;
  let counted = 0;
  for (let at = 0; at < losses[0].length; at += 2)
    for (const market of losses) {
      sum += market[at];
      counted += market[at + 1];
    }
  return counted > 0 ? sum / counted : 0;
}

/**
 * Linear memory, in bytes, that `adapt` asks for with batches of mean size; larger ones ask for more when they are
 * made.
 */
export function adaptationBytes(markets: readonly AdaptationInput[], options: AdaptationOptions): number {
  const [{ steps }] = adaptationPlaces(
    markets.map(({ interactions }) => interactions),
    options,
  );
  return markets.reduce(
    (sum, market) => sum + marketAdaptationBytes(market, options, market.interactions.rows / steps),
    0,
  );
}

/**
 * Stage 3: all markets together, each on its own items, under
 *
 *   U_m = X̂_m V_m + U_loc,m,  X̂_m = Normalize(X_m B_m),  y_ij = cos(u_i, v_j),
 *   margin:   L = Σ_(i,j) ( (1 − y_ij) + (1/K) Σ_k max(0, y_ik − γ) ) + λ‖V_loc,m‖²,
 *   softmax:  L = −Σ_i (1/|x_i|) Σ_{j∈x_i} log softmax(y_i / τ)_j + λ‖V_loc,m‖²  over the market's items.
 *
 * A mini-batch holds about `batch` interactions over all markets, each market's share of them, in whole users: a user's
 * row of X̂ is made once for all of the user's interactions. Users are shuffled again each epoch. Dropout hides
 * elements of u. V_loc takes a dense step of Adam at each batch. U_loc takes a step for the users of the batch, longer
 * by √(batches of an epoch) and by USER_PACE. The root is what dense Adam amounts to if a row has a gradient once an
 * epoch: its second moment is that much smaller.
 *
 * A step has two phases, each of tasks for all markets (market-adaptation.ts). By users: u from the parts that ranges
 * of items left, the loss and its gradients, U_loc; at the same time the next batch's X̂. By items: the gradient of V,
 * Adam, and the range's part of the next batch's u.
 *
 * @param places of the markets among all of them, where these are some
 * @returns per market V_m, U_loc and the losses of the last epoch (see `meanLoss`)
 *
 * Peak memory: per market four tables of n × d f32 (softmax: seven), with user offsets three of |U| × d, B_m and X_m;
 * and per batch X̂ three times, a part of U for every 1,024 items, and for the margin loss 12 (1 + K) bytes an
 * interaction for each of these parts, for the softmax its users × n scores.
 */
export async function adapt(
  context: StageContext,
  markets: readonly AdaptationInput[],
  options: AdaptationOptions,
  places = adaptationPlaces(
    markets.map(({ interactions }) => interactions),
    options,
  ),
): Promise<{ markets: Adaptation[]; losses: Float64Array[] }> {
  const { kernels } = context;
  const { memory } = kernels;
  const mark = memory.mark();
  try {
    const states = markets.map((input, m) => {
      const { index, firstUser } = places[m];
      return new MarketAdaptation(kernels, input, options, index, firstUser);
    });
    const [{ steps, users, markets: count }] = places;
    const losses = states.map(() => new Float64Array(2 * steps));
    const rates = new AdamRate(options.learningRate);
    const userRates = new AdamRate(options.learningRate * Math.sqrt(steps) * USER_PACE);
    for (let epoch = 0; epoch < options.epochs; epoch++) {
      const epochMark = memory.mark();
      const userRate = userRates.next();
      for (const [m, state] of states.entries()) state.begin(epoch * count + places[m].index, epoch * users, steps);
      await runTasks(
        kernels,
        states.map((state) => state.makeHistories(0)),
      );
      await runTasks(
        kernels,
        states.flatMap((state) => state.spread(0)),
      );
      let sum = 0;
      let counted = 0;
      for (let step = 0; step < steps; step++) {
        const rate = rates.next();
        const more = step + 1 < steps;
        // the longest task first
        await runTasks(kernels, [
          ...(more ? states.map((state) => state.makeHistories(step + 1)) : []),
          ...states.flatMap((state) => state.usersTasks(step, userRate)),
        ]);
        await runTasks(
          kernels,
          states.flatMap((state) => state.itemsTasks(step, rate, more)),
        );
        for (const [m, state] of states.entries()) {
          const [stateLoss, stateCounted] = state.takeTotals();
          losses[m].set([stateLoss, stateCounted], 2 * step);
          sum += stateLoss;
          counted += stateCounted;
        }
        await context.tick(epoch * steps + step + 1, options.epochs * steps, counted > 0 ? sum / counted : 0);
      }
      memory.release(epochMark);
    }
    return { markets: states.map((state) => state.learned()), losses };
  } finally {
    memory.release(mark);
  }
}
