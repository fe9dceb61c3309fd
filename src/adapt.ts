import type { Job } from './job.ts';
import type { Kernels } from './kernels.ts';
import { AdamRate, BETA1, BETA2, EPSILON } from './optimiser.ts';
import type { SparseMatrix, SparsePattern } from './sparse.ts';
import { STREAM } from './streams.ts';

/** One market as stage 3 sees it: n items, |U| users. */
export interface AdaptationInput {
  /** X_m (|U| × n). */
  interactions: SparsePattern;
  /** B_m (n × n), rows normalised; the identity where the intra-market similarity is left out. */
  similarity: SparseMatrix;
  /** V_glob,m (n × d), fixed; absent where the inter-market similarity is left out. */
  global?: Float32Array;
}

export interface AdaptationOptions {
  /** d, a multiple of 16. */
  dim: number;
  /** `margin`: the paper's. `softmax`: cross-entropy over the market's items on cos / τ. */
  loss: 'margin' | 'softmax';
  /** τ of the softmax. */
  temperature: number;
  /** Whether users have a vector of their own, U_loc. */
  userOffsets: boolean;
  /** γ: negatives closer than this (cosine) are pushed away. */
  gamma: number;
  /** λ of λ‖V_loc‖². */
  l2: number;
  /** Share of the elements of u that an epoch hides. */
  dropout: number;
  learningRate: number;
  /** Interactions of a mini-batch over all markets, in whole users. */
  batch: number;
  epochs: number;
  negatives: number;
  seed: number;
}

/**
 * U_loc's steps beside those of dense Adam at the same rate. At 1 the shared V_loc has to fit each user's own taste and over 100
 * epochs forgets V_glob: with the margin loss MRR on M2 and M3 was 31 / 38 % at 10, 37 / 42 % at 100, 40 / 43 % at 300.
 */
const USER_PACE = 300;
/** Without V_glob, V_loc starts uniform in ±0.5, as V_init does. */
const INITIAL_LOCAL = 0.5;

/** What a market learned. */
export interface Adaptation {
  /** V_m = V_glob,m + V_loc,m (n × d). */
  vectors: Float32Array;
  /** U_loc,m (|U| × d), where users have offsets. */
  userVectors?: Float32Array;
}

/**
 * Stage 3: all markets together, each on its own items, under
 *
 *   U_m = X̂_m V_m + U_loc,m,  X̂_m = Normalize(X_m B_m),  y_ij = cos(u_i, v_j),
 *   margin:   L = Σ_(i,j) ( (1 − y_ij) + (1/K) Σ_k max(0, y_ik − γ) ) + λ‖V_loc,m‖²,
 *   softmax:  L = −Σ_i (1/|x_i|) Σ_{j∈x_i} log softmax(y_i / τ)_j + λ‖V_loc,m‖²  over the market's items.
 *
 * A mini-batch holds about `batch` interactions over all markets, each market's share of them, in whole users, so that a user's
 * row of X̂ is made once for all of the user's interactions; users are shuffled anew each epoch. Dropout hides elements of u.
 * V_loc takes a dense step of Adam at each batch. U_loc takes a step for the users of the batch, longer by √(batches of an epoch),
 * which is what dense Adam comes to where a row has a gradient once an epoch (its second moment is that much smaller), and by
 * USER_PACE.
 *
 * @returns per market V_m and U_loc, and the mean loss of an interaction in the last epoch.
 *
 * Peak memory: six tables of n × d f32 (softmax: eight) and three of |U| × d (with user offsets) per market, B_m and X_m, and one
 * batch (softmax: with its users × n scores).
 */
export async function adapt(kernels: Kernels, markets: AdaptationInput[], options: AdaptationOptions, job: Job): Promise<{ markets: Adaptation[]; loss: number }> {
  const { exports, memory } = kernels;
  const { dim, seed } = options;
  const mark = memory.mark();
  try {
    let bytes = 0;
    for (const { interactions, similarity } of markets) bytes += 4 * dim * (8 * similarity.rows + (options.userOffsets ? 3 * interactions.rows : 0)) + 8 * similarity.values.length + 4 * interactions.indices.length;
    memory.require(bytes, 'the market adaptation');

    const offsets = options.userOffsets ? 4 * dim : 0;
    const states = markets.map(({ interactions, similarity, global }, market) => {
      const items = similarity.rows;
      const size = items * dim;
      const local = memory.allocateZeroed(4 * size);
      if (!global) exports.fillUniform(local, size, INITIAL_LOCAL, seed, STREAM.initialLocal, market);
      const fixed = global ? memory.put(global) : memory.allocateZeroed(4 * size);
      const vectors = memory.allocate(4 * size);
      exports.addTo(size, fixed, local, vectors);
      return {
        items,
        size,
        users: interactions.rows,
        interactions,
        rowLength: rowLengths(interactions, similarity),
        xIndptr: memory.put(interactions.indptr),
        xItems: memory.put(interactions.indices),
        bIndptr: memory.put(similarity.indptr),
        bIndices: memory.put(similarity.indices),
        bValues: memory.put(similarity.values),
        local,
        fixed,
        vectors,
        gradient: memory.allocateZeroed(4 * size),
        m: memory.allocateZeroed(4 * size),
        v: memory.allocateZeroed(4 * size),
        userVectors: memory.allocateZeroed(offsets * interactions.rows),
        userM: memory.allocateZeroed(offsets * interactions.rows),
        userV: memory.allocateZeroed(offsets * interactions.rows),
        dense: memory.allocateZeroed(4 * items),
        order: memory.put(Int32Array.from({ length: interactions.rows }, (_, user) => user)),
        firstUser: 0,
      };
    });
    let users = 0;
    for (const state of states) {
      state.firstUser = users;
      users += state.users;
    }
    const totals = memory.allocateZeroed(16);
    const workspace = memory.allocate(exports.gemmWorkspaceBytes());
    const interactions = markets.reduce((sum, market) => sum + market.interactions.indices.length, 0);
    const steps = Math.max(1, Math.round(interactions / options.batch));
    const rates = new AdamRate(options.learningRate);
    const userRates = new AdamRate(options.learningRate * Math.sqrt(steps) * USER_PACE);
    let rate = rates.next();
    let loss = 0;

    for (let epoch = 0; epoch < options.epochs; epoch++) {
      const userRate = userRates.next();
      const cuts = states.map((state, market) => {
        exports.shuffle(state.order, state.users, seed, STREAM.users, epoch * states.length + market);
        return cutUsers(memory.i32(state.order, state.users), state.interactions.indptr, steps);
      });
      memory.f64(totals, 2).fill(0);
      for (let step = 0; step < steps; step++) {
        for (const [market, state] of states.entries()) {
          const from = cuts[market][step];
          const count = cuts[market][step + 1] - from;
          const batchMark = memory.mark();
          const list = state.order + 4 * from;
          const rows = memory.i32(list, count);
          let entries = 0;
          for (const user of rows) entries += state.rowLength[user];
          const keys = memory.put(Uint32Array.from(rows, (user) => epoch * users + state.firstUser + user));
          const indptr = memory.allocate(4 * (count + 1));
          const indices = memory.allocate(4 * entries);
          const values = memory.allocate(4 * entries);
          const u = memory.allocate(4 * count * dim);
          const du = memory.allocateZeroed(4 * count * dim);

          exports.historyRows(count, list, state.xIndptr, state.xItems, state.bIndptr, state.bIndices, state.bValues, state.dense, indptr, indices, values);
          exports.propagate(0, count, indptr, indices, values, state.vectors, dim, u, 0);
          if (options.userOffsets) exports.addRows(count, list, dim, state.userVectors, u);
          if (options.dropout > 0) exports.dropout(count, dim, u, options.dropout, seed, STREAM.dropout, keys);
          if (options.loss === 'margin') {
            exports.margin(count, list, keys, state.xIndptr, state.xItems, state.items, dim, u, state.vectors, options.negatives, options.gamma, seed, STREAM.marginNegatives, du, state.gradient, totals);
          } else {
            softmaxGradients(kernels, { ...state, count, list, u, du, dim, sharpness: 1 / options.temperature, workspace, totals });
          }
          if (options.dropout > 0) exports.dropout(count, dim, du, options.dropout, seed, STREAM.dropout, keys);
          exports.scatterRows(count, indptr, indices, values, du, dim, state.gradient, 0, dim);
          if (options.userOffsets) exports.adamRows(count, list, dim, state.userVectors, du, state.userM, state.userV, userRate, BETA1, BETA2, EPSILON);
          exports.adam(state.size, state.local, state.gradient, state.m, state.v, rate, BETA1, BETA2, EPSILON, 2 * options.l2);
          exports.addTo(state.size, state.fixed, state.local, state.vectors);
          memory.release(batchMark);
        }
        rate = rates.next();
        const [sum, counted] = memory.f64(totals, 2);
        loss = counted > 0 ? sum / counted : 0;
        await job.tick('adaptation', epoch * steps + step + 1, options.epochs * steps, loss);
      }
    }
    const learned = states.map(({ vectors, size, userVectors, users: rows }) => ({ vectors: memory.f32(vectors, size).slice(), userVectors: options.userOffsets ? memory.f32(userVectors, rows * dim).slice() : undefined }));
    return { markets: learned, loss };
  } finally {
    memory.release(mark);
  }
}

interface SoftmaxBatch {
  count: number;
  list: number;
  items: number;
  dim: number;
  xIndptr: number;
  xItems: number;
  u: number;
  vectors: number;
  du: number;
  gradient: number;
  sharpness: number;
  workspace: number;
  totals: number;
}

/** Adds the gradients of the softmax loss to du (count × d) and to the market's gradient (items × d): three matrix products. */
function softmaxGradients({ exports, memory }: Kernels, batch: SoftmaxBatch): void {
  const { count, items, dim, sharpness, workspace } = batch;
  const ld = Math.ceil(items / 4) * 4;
  const unitU = memory.allocate(4 * count * dim);
  const normsU = memory.allocate(4 * count);
  const unitV = memory.allocate(4 * items * dim);
  const normsV = memory.allocate(4 * items);
  const scores = memory.allocateZeroed(4 * count * ld);
  const dUnitU = memory.allocateZeroed(4 * count * dim);
  const dUnitV = memory.allocateZeroed(4 * items * dim);
  exports.unitRows(count, dim, batch.u, unitU, normsU);
  exports.unitRows(items, dim, batch.vectors, unitV, normsV);
  exports.gemmNT(count, items, dim, sharpness, unitU, dim, unitV, dim, scores, ld, workspace);
  exports.softmax(count, batch.list, batch.xIndptr, batch.xItems, items, ld, scores, batch.totals);
  exports.gemmNN(count, dim, items, sharpness, scores, ld, unitV, dim, dUnitU, dim, workspace);
  exports.gemmTN(items, dim, count, sharpness, scores, ld, unitU, dim, dUnitV, dim, workspace);
  exports.unitRowsBackward(count, dim, unitU, normsU, dUnitU, batch.du);
  exports.unitRowsBackward(items, dim, unitV, normsV, dUnitV, batch.gradient);
}

/** Bounds on the entries of each user's row of X B. */
function rowLengths(x: SparsePattern, b: SparseMatrix): Int32Array {
  return Int32Array.from({ length: x.rows }, (_, user) => {
    let sum = 0;
    for (let e = x.indptr[user]; e < x.indptr[user + 1]; e++) sum += b.indptr[x.indices[e] + 1] - b.indptr[x.indices[e]];
    return Math.min(sum, b.cols);
  });
}

/** Cuts a list of users into `steps` ranges of about as many interactions each; a range may be empty. (steps + 1) ends. */
function cutUsers(order: Int32Array, indptr: Int32Array, steps: number): Int32Array {
  const cuts = new Int32Array(steps + 1);
  const total = indptr[indptr.length - 1];
  let passed = 0;
  let step = 1;
  for (let k = 0; k < order.length; k++) {
    passed += indptr[order[k] + 1] - indptr[order[k]];
    while (step <= steps && passed * steps >= step * total) cuts[step++] = k + 1;
  }
  return cuts.fill(order.length, step);
}
