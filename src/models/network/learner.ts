// One network in linear memory while it learns: steps of Adam on batches of samples. A batch is cut into parts by its
// size alone; part p belongs to group p mod 8, and a group's parts run one after the other. A gradient adds the parts of
// a group in order, then the groups in order, so it does not depend on the threads.
import type { Markets } from '../../data/markets.ts';
import { BETA1, BETA2, EPSILON } from '../../embedding/optimiser.ts';
import { type Address, NOWHERE, type Pointer, plus } from '../../engine/address.ts';
import { EmbeddingTable, TableStep } from '../../engine/kernel-layout.ts';
import { allocateStructs, putStruct, writeStruct } from '../../engine/struct.ts';
import { ranges, runTasks } from '../../engine/tasks.ts';
import type { Call, Kernels, OnTask, Task } from '../../engine/types.ts';
import { Batches, type Share } from './batches.ts';
import { arraysOf, inputsOf, type Network, sizesOf } from './network.ts';
import { learningRanges, Parameters, valuesIn } from './parameters.ts';
import { Scratch } from './room.ts';
import { type Samples, Tape } from './tape.ts';

const GROUPS = 8;
/** Interactions of a part: its activations are a few MB, and its products long enough to run at full speed. */
const PART = 64;
/** What one task of a step of Adam takes, about a millisecond. */
const VALUES_PER_TASK = 65_536;

/** How a network learns; the defaults and ranges are in options.ts. */
export interface LearningOptions {
  /** Interactions of a batch. */
  batch: number;
  negatives: number;
  dropout: number;
  /** λ of the L2 that is added to gradients. */
  decay: number;
  seed: number;
  /** Interactions of the largest gradient that is asked for by `addGradient`. */
  atOnce?: number;
}

/** Some interactions of a market: those from one on in its order, with streams from `first` on. */
export interface Drawn {
  market: number;
  from: number;
  count: number;
  first: number;
}

/** What a group works in. */
interface Group {
  scratch: Scratch;
  workspace: Address;
  gradients: Address;
  totals: Address;
}

/** The samples of a row of tables of users, or of items. */
interface Lists {
  rows: number;
  indptr: Address;
  samples: Address;
}

export class Learner {
  readonly parameters: Parameters;
  readonly batches: Batches;
  private readonly each: number;
  private readonly groups: Group[];
  private readonly inputGradients: { at: Address; ld: number }[];
  private readonly users: Address;
  private readonly items: Address;
  private readonly identity: Address;
  private readonly lists: Record<'user' | 'item', Lists>;
  private readonly tables: {
    rows: number;
    cols: number;
    struct: Pointer<EmbeddingTable>;
    offset: number;
    frozen: boolean;
  }[];
  private readonly m: Address;
  private readonly v: Address;
  private readonly numbers: Pointer<TableStep>;
  /** Where the parameters of layers start, and their number. */
  private readonly denseStart: number;
  private readonly dense: number;
  /** Layers that learn, as ranges of values after `denseStart`. */
  private readonly learning: [from: number, to: number][];
  /** Where networks find the parameters: the learner's own, or others of the same layout. */
  private base: Address;
  /** f32, a factor that calls read. */
  private readonly factor: Address;
  /** The most interactions of a gradient. */
  private readonly most: number;

  /** Its memory is released with the caller's mark. @throws MemoryError if it does not fit. */
  constructor(
    private readonly kernels: Kernels,
    private readonly network: Network,
    data: Pick<Markets, 'items' | 'markets'>,
    private readonly options: LearningOptions,
  ) {
    const { exports, memory } = kernels;
    const sizes = sizesOf(data);
    this.each = 1 + options.negatives;
    this.parameters = new Parameters(arraysOf(network), memory);
    this.denseStart = valuesIn(network.tables);
    this.dense = valuesIn(network.layers);
    this.base = this.parameters.at;
    this.factor = memory.allocateZeroed(16);
    const frozen = new Set(network.frozen);
    this.learning = learningRanges(network.layers, frozen);
    const { size } = this.parameters;
    this.m = memory.allocateZeroed(4 * size, 'the moments of Adam');
    this.v = memory.allocateZeroed(4 * size, 'the moments of Adam');
    this.batches = new Batches(kernels, data, options.batch, options.negatives, options.seed);
    this.most = Math.max(this.batches.most, options.atOnce ?? 0);
    const samples = this.most * this.each;
    this.users = memory.allocate(4 * samples);
    this.items = memory.allocate(4 * samples);
    this.identity = memory.put(Int32Array.from({ length: samples + 1 }, (_, i) => i));
    const listsOf = (rows: number): Lists => ({
      rows,
      indptr: memory.allocateZeroed(4 * (rows + 1)),
      samples: memory.allocate(4 * samples),
    });
    this.lists = { user: listsOf(sizes.users), item: listsOf(sizes.items) };
    const inputs = inputsOf(network);
    this.inputGradients = inputs.map((tables) => {
      const ld = tables.reduce((sum, { cols }) => sum + cols, 0);
      return { at: memory.allocate(4 * samples * ld), ld };
    });
    this.tables = network.tables.map((table) => ({
      ...this.putTable(table),
      offset: this.parameters.offset(table.name),
      frozen: frozen.has(table.name),
    }));
    this.numbers = allocateStructs(memory, TableStep, 1);
    this.groups = Array.from({ length: GROUPS }, () => ({
      scratch: new Scratch(memory, NOWHERE),
      workspace: memory.allocate(exports.gemmWorkspaceBytes()),
      gradients: memory.allocateZeroed(4 * this.dense),
      totals: memory.allocateZeroed(16),
    }));
    const bytes = this.scratchBytes(sizes.markets);
    for (const group of this.groups) group.scratch = new Scratch(memory, memory.allocate(bytes));
  }

  private putTable({ name, rows, cols, of }: Network['tables'][number]) {
    const { memory } = this.kernels;
    const input = this.network.inputs.findIndex((names) => names.includes(name));
    const before = this.network.inputs[input].slice(0, this.network.inputs[input].indexOf(name));
    const column = before.reduce((sum, each) => sum + this.network.tables.find((t) => t.name === each)!.cols, 0);
    const { at, ld } = this.inputGradients[input];
    const offset = 4 * this.parameters.offset(name);
    const struct = putStruct(memory, EmbeddingTable, {
      d: cols,
      table: this.parameters.address(name),
      m: plus(this.m, offset),
      v: plus(this.v, offset),
      indptr: this.lists[of].indptr,
      samples: this.lists[of].samples,
      weights: NOWHERE,
      gradients: plus(at, 4 * column),
      ld,
      dense: NOWHERE,
    });
    return { rows, cols, struct };
  }

  /** The room that the largest part takes, found by writing its calls down once. */
  private scratchBytes(markets: number): number {
    const { memory } = this.kernels;
    const scratch = new Scratch(memory, NOWHERE);
    const mark = memory.mark();
    const count = this.network.wholeMarkets ? this.most : Math.min(PART, this.most);
    for (let market = 0; market < markets; market++) {
      scratch.reset();
      const group = { ...this.groups[0], scratch };
      this.tapeOf(group, { market, count, inBatch: 0, inEpoch: 0 }, 1);
    }
    memory.release(mark);
    return scratch.most;
  }

  /** The calls of a part, there and back. */
  private tapeOf(group: Group, part: Share, scale: number): Call[] {
    const { options, each, network } = this;
    const first = part.inBatch * each;
    const samples: Samples = {
      rows: part.count * each,
      market: part.market,
      users: plus(this.users, 4 * first),
      items: plus(this.items, 4 * first),
    };
    const tape = new Tape(samples, inputsOf(network), this.roomOf(group), {
      gradientOf: (name) => plus(group.gradients, 4 * (this.parameters.offset(name) - this.denseStart)),
      inputGradient: (input) => {
        const { at, ld } = this.inputGradients[input];
        return plus(at, 4 * ld * first);
      },
      each,
      scale,
      dropout: options.dropout,
      seed: options.seed,
      first: (part.inEpoch * each) >>> 0,
      totals: group.totals,
      structs: this.kernels.memory,
    });
    network.logits(tape);
    return tape.all();
  }

  private roomOf({ scratch, workspace }: Group) {
    return { address: (name: string) => plus(this.base, 4 * this.parameters.offset(name)), scratch, workspace };
  }

  /** The samples of a batch, and the lists of them by rows of tables. */
  private drawn(draw: readonly Call[], samples: number): Task {
    const { users, items, identity, lists } = this;
    return [
      ...draw,
      ['transposePattern', samples, lists.user.rows, identity, users, lists.user.indptr, lists.user.samples],
      ['transposePattern', samples, lists.item.rows, identity, items, lists.item.indptr, lists.item.samples],
    ];
  }

  /** One step on a batch; the loss and its samples. @param rate of Adam, with its bias correction */
  async step(epoch: number, step: number, rate: number, onTask: OnTask): Promise<[loss: number, samples: number]> {
    const { kernels } = this;
    const { memory } = kernels;
    const mark = memory.mark();
    try {
      const shares = this.batches.shares(epoch, step);
      const samples = this.each * shares.reduce((sum, { count }) => sum + count, 0);
      this.setRate(rate);
      for (const { totals } of this.groups) memory.f64(totals, 2).fill(0);
      await runTasks(kernels, [
        this.drawn(this.batches.draw(epoch, shares, this.each, this.users, this.items), samples),
      ]);
      await runTasks(kernels, this.partTasks(shares, 1 / samples), onTask);
      await runTasks(kernels, this.adamTasks());
      let loss = 0;
      for (const { totals } of this.groups) loss += memory.f64(totals, 1)[0];
      return [loss, samples];
    } finally {
      memory.release(mark);
    }
  }

  private partTasks(shares: readonly Share[], scale: number): Task[] {
    const parts = shares.flatMap((share) =>
      ranges(share.count, this.network.wholeMarkets ? share.count : PART).map(([from, to]) => ({
        ...share,
        count: to - from,
        inBatch: share.inBatch + from,
        inEpoch: share.inEpoch + from,
      })),
    );
    return this.inGroups(parts, (group, part) => this.tapeOf(group, part, scale));
  }

  /** A task for each group: the calls of its parts. */
  private inGroups<T>(parts: readonly T[], callsOf: (group: Group, part: T) => Call[]): Task[] {
    return this.groups.map((group, g) =>
      parts
        .filter((_, p) => p % GROUPS === g)
        .flatMap((part) => {
          group.scratch.reset();
          return callsOf(group, part);
        }),
    );
  }

  private adamTasks(): Task[] {
    const { parameters, denseStart, numbers, m, v } = this;
    const { at } = parameters;
    const [{ gradients }, next] = this.groups;
    const dense = this.denseRanges().map(([from, to]): Task => {
      const offset = 4 * (denseStart + from);
      return [
        [
          'stepParameters',
          to - from,
          GROUPS,
          next.gradients - gradients,
          plus(gradients, 4 * from),
          plus(at, offset),
          plus(m, offset),
          plus(v, offset),
          numbers,
        ],
      ];
    });
    const tables = this.tables
      .filter(({ frozen }) => !frozen)
      .flatMap(({ rows, cols, struct }) =>
        ranges(rows, Math.ceil(VALUES_PER_TASK / cols)).map(
          ([from, to]): Task => [['stepTable', from, to, struct, numbers]],
        ),
      );
    return [...dense, ...tables];
  }

  /** What tasks of a step take of the layers that learn. */
  private denseRanges(): [from: number, to: number][] {
    return this.learning.flatMap(([start, end]) =>
      ranges(end - start, VALUES_PER_TASK).map(([from, to]): [number, number] => [start + from, start + to]),
    );
  }

  /**
   * out += factor · the gradient, at the parameters `at`, of the mean loss of some interactions with negatives. Nothing is
   * stepped. Both are laid out as the learner's parameters are. @returns the loss and its samples
   */
  async addGradient(
    drawn: Drawn,
    at: Address,
    factor: number,
    out: Address,
    onTask: OnTask,
  ): Promise<[number, number]> {
    const { kernels, batches, each, users, items } = this;
    const { memory } = kernels;
    const { market, from, count, first } = drawn;
    const mark = memory.mark();
    this.base = at;
    try {
      const samples = each * count;
      for (const { totals } of this.groups) memory.f64(totals, 2).fill(0);
      memory.f32(this.factor, 1)[0] = factor;
      await runTasks(kernels, [this.drawn([batches.drawFrom(market, from, count, first, users, items)], samples)]);
      await runTasks(kernels, this.partTasks([{ market, count, inBatch: 0, inEpoch: first }], 1 / samples), onTask);
      await runTasks(kernels, this.addTasks(factor, out));
      let loss = 0;
      for (const { totals } of this.groups) loss += memory.f64(totals, 1)[0];
      return [loss, samples];
    } finally {
      this.base = this.parameters.at;
      memory.release(mark);
    }
  }

  /** Adds the gradients of tables and layers to others, and clears the latter. */
  private addTasks(factor: number, out: Address): Task[] {
    const { groups, denseStart } = this;
    const dense = this.denseRanges().map(([from, to]): Task => {
      const to4 = plus(out, 4 * (denseStart + from));
      return groups.flatMap(({ gradients }): Call[] => {
        const own = plus(gradients, 4 * from);
        return [
          ['addTimes', to - from, this.factor, own, to4],
          ['clear', to - from, own],
        ];
      });
    });
    const tables = this.tables.flatMap(({ rows, cols, struct, offset }) =>
      ranges(rows, Math.ceil(VALUES_PER_TASK / cols)).map(
        ([from, to]): Task => [['addSamples', from, to, struct, factor, plus(out, 4 * offset)]],
      ),
    );
    return [...dense, ...tables];
  }

  /** A step of Adam by a gradient of all tables and layers, which is cleared. */
  async stepBy(gradient: Address, rate: number): Promise<void> {
    const { kernels, parameters, m, v, numbers } = this;
    this.setRate(rate);
    const size = this.denseStart + this.dense;
    await runTasks(
      kernels,
      ranges(size, VALUES_PER_TASK).map(([from, to]): Task => {
        const of = (start: Address) => plus(start, 4 * from);
        return [['stepParameters', to - from, 1, 0, of(gradient), of(parameters.at), of(m), of(v), numbers]];
      }),
    );
  }

  private setRate(rate: number): void {
    const own = { rate, beta1: BETA1, beta2: BETA2, epsilon: EPSILON, decay: this.options.decay };
    writeStruct(this.kernels.memory, TableStep, this.numbers, own);
  }

  /** Logits of pairs of users and items, in ranges of one market each. */
  async score(pairs: readonly Samples[], out: readonly Address[], onTask: OnTask): Promise<void> {
    const parts = pairs.flatMap((samples, i) =>
      ranges(samples.rows, PART * this.each).map(([from, to]) => ({
        samples: {
          ...samples,
          rows: to - from,
          users: plus(samples.users, 4 * from),
          items: plus(samples.items, 4 * from),
        },
        out: plus(out[i], 4 * from),
      })),
    );
    const tasks = this.inGroups(parts, (group, { samples, out }) => {
      const tape = new Tape(samples, inputsOf(this.network), this.roomOf(group));
      this.network.logits(tape, out);
      return tape.calls;
    });
    await runTasks(this.kernels, tasks, onTask);
  }
}
