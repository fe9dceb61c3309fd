// MultVAE while it learns. A batch has the same share of the users of every market; it is cut into parts by its size
// alone, which compute up to the gradients of the scores, and back. Then W_4's gradient is a product for ranges of items,
// and W_1's a sum over the users of an item. A gradient adds users in order, so it does not depend on the threads.
import type { Markets } from '../../data/markets.ts';
import { BETA1, BETA2, EPSILON } from '../../embedding/optimiser.ts';
import { type Address, NOWHERE, type Pointer, plus } from '../../engine/address.ts';
import { Csr, Dropping, EmbeddingTable, TableStep } from '../../engine/kernel-layout.ts';
import { STREAM } from '../../engine/streams.ts';
import { allocateStructs, putStruct, writeStruct } from '../../engine/struct.ts';
import { ranges, runTasks } from '../../engine/tasks.ts';
import type { Call, Kernels, OnTask, Task } from '../../engine/types.ts';
import { Parameters, valuesIn } from '../network/parameters.ts';
import { Scratch } from '../network/room.ts';
import { type RankedMarket, reciprocalRanks } from '../network/selection.ts';
import { type Learning, Tape, type Value } from '../network/tape.ts';
import { arraysOfVae, decoded, EXTRA, encoded, fillOnes, itemTables } from './layers.ts';
import {
  largestBatch,
  PART,
  partsOf,
  putMarkets,
  rowsOfItems,
  type Share,
  sharesOf,
  type VaeMarket,
} from './markets.ts';
import type { MultVaeOptions } from './options.ts';

/** Groups of parts, as in network/learner.ts. */
const GROUPS = 8;
/** Items of a task of W_4's gradient. */
const ITEMS_PER_TASK = 256;
const VALUES_PER_TASK = 65_536;

interface Group {
  scratch: Scratch;
  workspace: Address;
  gradients: Address;
  /** 2 × f64, likelihood and users, then the divergence. */
  totals: Address;
}

export class VaeLearner {
  readonly parameters: Parameters;
  readonly steps: number;
  private readonly width: number;
  private readonly denseStart: number;
  private readonly markets: VaeMarket[];
  private readonly groups: Group[];
  private readonly m: Address;
  private readonly v: Address;
  private readonly numbers: Pointer<TableStep>;
  private readonly ones: Address;
  private readonly histories: { matrix: Csr; at: Pointer<Csr>; back: Csr; longest: number };
  private readonly hiddenGradient: Address;
  private readonly wide: Address;
  private readonly scores: Address;
  private readonly tables: { cols: number; struct: Pointer<EmbeddingTable> }[];
  private readonly items: number;
  private readonly allUsers: number;

  /** Its memory is released with the caller's mark. @throws MemoryError if it does not fit. */
  constructor(
    private readonly kernels: Kernels,
    data: Pick<Markets, 'items' | 'markets'>,
    private readonly options: MultVaeOptions,
  ) {
    const { exports, memory } = kernels;
    const { hidden } = options;
    this.items = data.items.length;
    this.width = hidden + EXTRA;
    this.parameters = new Parameters(arraysOfVae(options, this.items), memory);
    this.denseStart = valuesIn(itemTables(options, this.items));
    const { size } = this.parameters;
    this.m = memory.allocateZeroed(4 * size, 'the moments of Adam');
    this.v = memory.allocateZeroed(4 * size, 'the moments of Adam');
    this.numbers = allocateStructs(memory, TableStep, 1);
    this.ones = memory.put(new Float32Array(hidden).fill(1));
    const stacked = data.markets.reduce((sum, { items }) => sum + items.length, 0);
    const gradients = memory.allocate(4 * this.width * stacked, 'the gradient of W_4');
    this.markets = putMarkets(kernels, data, this.width, gradients);
    this.allUsers = this.markets.reduce((sum, { users }) => sum + users, 0);
    this.steps = Math.ceil(this.allUsers / options.batch);
    const { most, longest, scores } = largestBatch(data, this.markets, this.steps);
    const entries = most * longest;
    const matrixOf = (rows: number): Csr => ({
      indptr: memory.allocateZeroed(4 * (rows + 1)),
      indices: memory.allocate(4 * entries),
      values: memory.allocate(4 * entries),
    });
    const matrix = matrixOf(most);
    this.histories = { matrix, at: putStruct(memory, Csr, matrix), back: matrixOf(this.items), longest };
    this.hiddenGradient = memory.allocate(4 * hidden * most);
    this.wide = memory.allocate(4 * this.width * most);
    fillOnes(memory.f32(this.wide, this.width * most), hidden);
    this.scores = memory.allocate(4 * scores, 'the scores of a batch');
    this.tables = this.putTables(data, gradients, stacked);
    this.groups = Array.from({ length: GROUPS }, () => ({
      scratch: new Scratch(memory, NOWHERE),
      workspace: memory.allocate(exports.gemmWorkspaceBytes()),
      gradients: memory.allocateZeroed(4 * (size - this.denseStart)),
      totals: memory.allocateZeroed(24),
    }));
    const bytes = this.scratchBytes();
    for (const group of this.groups) group.scratch = new Scratch(memory, memory.allocate(bytes));
  }

  private putTables(data: Pick<Markets, 'markets'>, gradients: Address, stacked: number) {
    const { memory } = this.kernels;
    const { back } = this.histories;
    const all = rowsOfItems(memory, data, this.items, stacked);
    const of = (name: string, cols: number, lists: Csr, from: Address) => {
      const offset = 4 * this.parameters.offset(name);
      const struct = putStruct(memory, EmbeddingTable, {
        d: cols,
        table: this.parameters.address(name),
        m: plus(this.m, offset),
        v: plus(this.v, offset),
        indptr: lists.indptr,
        samples: lists.indices,
        weights: lists.values,
        gradients: from,
        ld: cols,
        dense: NOWHERE,
      });
      return { cols, struct };
    };
    return [of('encoder', this.options.hidden, back, this.hiddenGradient), of('decoder', this.width, all, gradients)];
  }

  private scratchBytes(): number {
    const { memory } = this.kernels;
    const [group] = this.groups;
    const scratch = new Scratch(memory, NOWHERE);
    const mark = memory.mark();
    const part = { market: this.markets[0], count: PART, from: 0, inBatch: 0, scores: NOWHERE };
    this.partCalls({ ...group, scratch }, part, 0, 1, 1);
    memory.release(mark);
    return scratch.most;
  }

  begin(epoch: number): void {
    const { exports, memory } = this.kernels;
    for (const [number, { users, order }] of this.markets.entries()) {
      memory.i32(order, users).set(Int32Array.from({ length: users }, (_, user) => user));
      const index = (epoch * this.markets.length + number) >>> 0;
      exports.shuffle(order, users, this.options.seed, STREAM.networkOrder, index);
    }
  }

  async step(epoch: number, step: number, rate: number, onTask: OnTask): Promise<[loss: number, users: number]> {
    const { kernels, options } = this;
    const { memory } = kernels;
    const mark = memory.mark();
    try {
      const shares = sharesOf(this.markets, this.steps, step, this.scores);
      const users = shares.reduce((sum, { count }) => sum + count, 0);
      const done = epoch * this.steps + step;
      const rising = Math.min(1, done / Math.max(1, (options.epochs * this.steps) / 2));
      const weight = options.divergence * rising;
      const numbers = { rate, beta1: BETA1, beta2: BETA2, epsilon: EPSILON, decay: options.l2 };
      writeStruct(memory, TableStep, this.numbers, numbers);
      for (const { totals } of this.groups) memory.f64(totals, 3).fill(0);
      await runTasks(kernels, [this.drawn(epoch, shares, users), ...this.decoders(shares)]);
      await runTasks(kernels, this.partTasks(epoch, shares, users, weight), onTask);
      await runTasks(kernels, this.decoderTasks(shares), onTask);
      await runTasks(kernels, this.adamTasks());
      let loss = 0;
      for (const { totals } of this.groups) {
        const [likelihood, , divergence] = memory.f64(totals, 3);
        loss += likelihood + weight * divergence;
      }
      return [loss, users];
    } finally {
      memory.release(mark);
    }
  }

  /** The histories of a batch with dropout, by users and by items. */
  private drawn(epoch: number, shares: readonly Share[], users: number): Task {
    const { kernels, histories, options } = this;
    const { matrix, at, back } = histories;
    const calls = shares.map(({ market, count, from, inBatch }): Call => {
      const numbers = this.dropping(epoch, market.start + from, options.dropout, STREAM.networkHistories);
      const { order, x, rows } = market;
      return ['drawHistories', count, plus(order, 4 * from), x, rows, numbers, inBatch, at];
    });
    const { indptr, indices, values } = matrix;
    const transposed = [back.indptr, back.indices, back.values] as const;
    kernels.memory.i32(indptr, 1)[0] = 0;
    return [...calls, ['transposeMatrix', users, this.items, indptr, indices, values, ...transposed]];
  }

  private dropping(epoch: number, user: number, rate: number, stage: number): Pointer<Dropping> {
    const first = (epoch * this.allUsers + user) >>> 0;
    return putStruct(this.kernels.memory, Dropping, { rate, seed: this.options.seed, stage, first });
  }

  /** The rows of W_4 of each market's items. */
  private decoders(shares: readonly Share[]): Task[] {
    const from = this.parameters.address('decoder');
    return shares.map(
      ({ market: { n, rows, decoder } }): Task => [['takeRows', n, rows, this.width, from, decoder, this.width]],
    );
  }

  private partTasks(epoch: number, shares: readonly Share[], users: number, weight: number): Task[] {
    const parts = partsOf(shares);
    return this.groups.map((group, g) =>
      parts
        .filter((_, p) => p % GROUPS === g)
        .flatMap((part) => {
          group.scratch.reset();
          return this.partCalls(group, part, epoch, 1 / users, weight);
        }),
    );
  }

  /** Up to the gradient of the scores, and back to that of W_1ᵀ x̂. */
  private partCalls(group: Group, part: Share, epoch: number, scale: number, weight: number): Call[] {
    const { hidden } = this.options;
    const { market, count, from, inBatch, scores } = part;
    const { order, x, n, ld, decoder } = market;
    const { width } = this;
    const tape = this.tapeOf(group, count);
    const sum = {
      at: group.scratch.allocate(4 * count * hidden),
      ...this.gradientOfSum(inBatch),
      cols: hidden,
      ld: hidden,
    };
    const wide = plus(this.wide, 4 * width * inBatch);
    tape.op([
      ['clear', count * hidden, sum.at],
      ['clear', count * hidden, sum.gradient],
      ['addWeighted', inBatch, inBatch + count, this.histories.at, hidden, this.parameters.address('encoder'), sum.at],
    ]);
    const z = this.latent(tape, group, encoded(tape, sum, this.options), {
      numbers: this.dropping(epoch, market.start + from, 0, STREAM.networkLatent),
      weight: weight * scale,
    });
    const h = decoded(tape, z, this.options, wide, this.ones);
    const { workspace } = group;
    tape.op(
      [
        ['clear', count * ld, scores],
        ['gemmNT', count, n, width, 1, wide, width, decoder, width, scores, ld, workspace],
      ],
      [
        ['multinomial', count, plus(order, 4 * from), x, n, ld, scores, scale, group.totals],
        ['gemmNN', count, hidden, n, 1, scores, ld, decoder, width, h.gradient, hidden, workspace],
      ],
    );
    return tape.all();
  }

  /** The gradient of W_1ᵀ x̂ of some users on, which is kept for the step of W_1. */
  private gradientOfSum(inBatch: number): { gradient: Address } {
    return { gradient: plus(this.hiddenGradient, 4 * this.options.hidden * inBatch) };
  }

  private tapeOf({ scratch, workspace, gradients, totals }: Group, rows: number, learns = true): Tape {
    const { parameters, options, denseStart } = this;
    const learning: Learning = {
      gradientOf: (name) => plus(gradients, 4 * (parameters.offset(name) - denseStart)),
      inputGradient: () => NOWHERE,
      each: 1,
      scale: 1,
      dropout: 0,
      seed: options.seed,
      first: 0,
      totals,
      structs: this.kernels.memory,
    };
    const room = { address: (name: string) => parameters.address(name), scratch, workspace };
    return new Tape({ rows, market: 0, users: NOWHERE, items: NOWHERE }, [], room, learns ? learning : undefined);
  }

  /** z = μ + σ ⊙ ε, and the divergence. */
  private latent(
    tape: Tape,
    { scratch, totals }: Group,
    moments: Value,
    { numbers, weight }: { numbers: Pointer<Dropping>; weight: number },
  ): Value {
    const { dim } = this.options;
    const { rows } = tape.samples;
    const z = tape.value(dim);
    const noise = scratch.allocate(4 * rows * dim);
    tape.op(
      [['drawLatent', rows, dim, moments.at, noise, z.at, numbers, plus(totals, 16)]],
      [['drawLatentBackward', rows, dim, moments.at, noise, z.gradient, weight, moments.gradient]],
    );
    return z;
  }

  /** W_4's gradient, of ranges of a market's items: scoresᵀ · h′ over its users of the batch. */
  private decoderTasks(shares: readonly Share[]): Task[] {
    const { width } = this;
    const products = shares.flatMap((share) =>
      ranges(share.market.n, ITEMS_PER_TASK).map((range) => ({ share, range })),
    );
    // one workspace a task: the products of a group follow each other
    return this.groups.map(({ workspace }, g) =>
      products
        .filter((_, p) => p % GROUPS === g)
        .flatMap(({ share: { market, count, inBatch, scores }, range: [from, to] }): Call[] => {
          const out = plus(market.gradient, 4 * width * from);
          const wide = plus(this.wide, 4 * width * inBatch);
          const columns = plus(scores, 4 * from);
          return [
            ['clear', (to - from) * width, out],
            ['gemmTN', to - from, width, count, 1, columns, market.ld, wide, width, out, width, workspace],
          ];
        }),
    );
  }

  private adamTasks(): Task[] {
    const { parameters, denseStart, numbers } = this;
    const { size, at } = parameters;
    const [{ gradients }, next] = this.groups;
    const offset = 4 * denseStart;
    const [own, m, v] = [plus(at, offset), plus(this.m, offset), plus(this.v, offset)];
    const tables = this.tables.flatMap(({ cols, struct }) =>
      ranges(this.items, Math.ceil(VALUES_PER_TASK / cols)).map(
        ([from, to]): Task => [['stepTable', from, to, struct, numbers]],
      ),
    );
    const bytes = next.gradients - gradients;
    return [[['stepParameters', size - denseStart, GROUPS, bytes, gradients, own, m, v, numbers]], ...tables];
  }

  /** The mean reciprocal rank of held-out rows, each market counting alike. */
  async look(ranked: readonly RankedMarket[], onTask: OnTask): Promise<number> {
    let sum = 0;
    for (const { market, rows } of ranked) {
      let own = 0;
      for (const [from, to] of ranges(rows.length, GROUPS * PART)) {
        const chosen = rows.slice(from, to);
        const users = chosen.map(({ user }) => user);
        const scores = await this.scoresOf(market, users, onTask);
        const lengths = Int32Array.from(chosen, ({ candidates }) => candidates.length);
        const found = chosen.flatMap(({ candidates }, i) => Array.from(candidates, (item) => scores(i, item)));
        own += chosen.length * reciprocalRanks(Float32Array.from(found), lengths);
      }
      sum += own / rows.length;
    }
    return sum / ranked.length;
  }

  /** Scores of users of a market by their whole histories. */
  private async scoresOf(
    number: number,
    users: readonly number[],
    onTask: OnTask,
  ): Promise<(user: number, item: number) => number> {
    const { kernels, width, options } = this;
    const { memory } = kernels;
    const { x, rows, n, decoder } = this.markets[number];
    const mark = memory.mark();
    try {
      const list = memory.put(Int32Array.from(users));
      const longest = this.histories.longest * users.length;
      const indptr = memory.allocateZeroed(4 * (users.length + 1));
      const [indices, values] = [memory.allocate(4 * longest), memory.allocate(4 * longest)];
      const at = putStruct(memory, Csr, { indptr, indices, values });
      const out = memory.allocate(4 * n * users.length);
      const numbers = this.dropping(0, 0, 0, STREAM.networkHistories);
      const [W1, W4] = ['encoder', 'decoder'].map((name) => this.parameters.address(name));
      await runTasks(kernels, [
        [['drawHistories', users.length, list, x, rows, numbers, 0, at]],
        [['takeRows', n, rows, width, W4, decoder, width]],
      ]);
      const tasks = ranges(users.length, PART).map(([from, to], g): Task => {
        const group = this.groups[g];
        group.scratch.reset();
        const tape = this.tapeOf(group, to - from, false);
        const sum = tape.value(options.hidden);
        tape.op([['addWeighted', from, to, at, options.hidden, W1, sum.at]]);
        const moments = encoded(tape, sum, options);
        const wide = memory.allocate(4 * width * (to - from));
        fillOnes(memory.f32(wide, width * (to - from)), options.hidden);
        decoded(tape, tape.columns(moments, 0, options.dim), options, wide, this.ones);
        const scores = plus(out, 4 * n * from);
        return [
          ...tape.calls,
          ['clear', n * (to - from), scores],
          ['gemmNT', to - from, n, width, 1, wide, width, decoder, width, scores, n, group.workspace],
        ];
      });
      await runTasks(kernels, tasks, onTask);
      const scores = memory.f32(out, n * users.length).slice();
      return (user, item) => scores[n * user + item];
    } finally {
      memory.release(mark);
    }
  }
}
