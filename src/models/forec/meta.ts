// Model-agnostic meta-learning (Finn et al., 2017) over markets. A step adapts to each market, θ'_m = θ − α ∇L_s(θ) on a
// support batch, and moves θ by Adam along (1/M) Σ_m ∂L_q(θ'_m) / ∂θ of a query batch of other interactions: first order
// ∇L_q(θ'_m), second order with −α H_s ∇L_q(θ'_m), a difference of two gradients of the support batch at θ ± ε g.
import { type Address, plus } from '../../engine/address.ts';
import { ranges, runTasks } from '../../engine/tasks.ts';
import type { Kernels, OnTask, Task } from '../../engine/types.ts';

/** Interactions that one batch of a market is drawn of. */
export type Batch = 'support' | 'query';

/** What gives gradients of a market's batches. All vectors are of `size` f32, a multiple of 4. */
export interface GradientOracle {
  /** θ. */
  readonly at: Address;
  readonly size: number;
  readonly markets: number;
  /** out += factor · the gradient of the batch's mean loss at some parameters. @returns the loss and its samples */
  addGradient(
    market: number,
    batch: Batch,
    at: Address,
    factor: number,
    out: Address,
    onTask: OnTask,
  ): Promise<[loss: number, samples: number]>;
}

export interface MetaOptions {
  /** α. */
  innerRate: number;
  order: 'first' | 'second';
}

const VALUES_PER_TASK = 262_144;

export class MetaGradient {
  /** The gradient of a step; the caller clears it. */
  readonly gradient: Address;
  /** θ'_m, then θ ± ε g. */
  private readonly fast: Address;
  /** ∇L_q(θ'_m), where the second order asks for it. */
  private readonly query: Address;
  private readonly numbers: Address;

  /** Released with the caller's mark. @throws MemoryError if it does not fit. */
  constructor(
    private readonly kernels: Kernels,
    private readonly oracle: GradientOracle,
    private readonly options: MetaOptions,
  ) {
    const { memory } = kernels;
    const bytes = 4 * oracle.size;
    this.gradient = memory.allocateZeroed(bytes, 'the gradient of meta-learning');
    this.fast = memory.allocate(bytes, 'parameters that are adapted to a market');
    this.query = memory.allocate(options.order === 'second' ? bytes : 0);
    this.numbers = memory.allocateZeroed(16);
  }

  /** Linear memory, in bytes, for that number of parameters. */
  static bytes(size: number, { order }: MetaOptions): number {
    return 4 * size * (order === 'second' ? 3 : 2);
  }

  /** Adds the gradient of a step to `gradient`. @returns the loss of the query batches and their samples */
  async add(onTask: OnTask): Promise<[number, number]> {
    const { oracle, options, fast, query, gradient } = this;
    const { markets, at } = oracle;
    let loss = 0;
    let samples = 0;
    for (let market = 0; market < markets; market++) {
      await this.copyTo(fast);
      await oracle.addGradient(market, 'support', at, -options.innerRate, fast, onTask);
      const second = options.order === 'second' && options.innerRate > 0;
      if (second) await this.run((from, n) => [['clear', n, plus(query, 4 * from)]]);
      const [to, share] = second ? [query, 1] : [gradient, 1 / markets];
      const [own, counted] = await oracle.addGradient(market, 'query', fast, share, to, onTask);
      loss += own;
      samples += counted;
      if (second) await this.addSecond(market, onTask);
    }
    return [loss, samples];
  }

  /** gradient += (g − α H_s g) / M with g = ∇L_q(θ'_m). */
  private async addSecond(market: number, onTask: OnTask): Promise<void> {
    const { oracle, options, fast, query, gradient } = this;
    const { markets, at } = oracle;
    await this.addTimes(1 / markets, query, gradient);
    const length = this.lengthOf(query);
    if (!(length > 0)) return;
    const epsilon = (1e-3 * (1 + this.lengthOf(at))) / length;
    for (const sign of [1, -1]) {
      await this.copyTo(fast);
      await this.addTimes(sign * epsilon, query, fast);
      const factor = (-sign * options.innerRate) / (2 * epsilon * markets);
      await oracle.addGradient(market, 'support', fast, factor, gradient, onTask);
    }
  }

  private async copyTo(out: Address): Promise<void> {
    const { at } = this.oracle;
    await this.run((from, n) => {
      const to = plus(out, 4 * from);
      return [
        ['clear', n, to],
        ['addInto', n, plus(at, 4 * from), to],
      ];
    });
  }

  private async addTimes(factor: number, x: Address, out: Address): Promise<void> {
    this.kernels.memory.f32(this.numbers, 1)[0] = factor;
    await this.run((from, n) => [['addTimes', n, this.numbers, plus(x, 4 * from), plus(out, 4 * from)]]);
  }

  private lengthOf(x: Address): number {
    const { exports, memory } = this.kernels;
    const sum = plus(this.numbers, 4);
    memory.f32(sum, 1)[0] = 0;
    exports.addProduct(this.oracle.size, x, x, sum);
    return Math.sqrt(memory.f32(sum, 1)[0]);
  }

  private run(taskOf: (from: number, n: number) => Task): Promise<void> {
    return runTasks(
      this.kernels,
      ranges(this.oracle.size, VALUES_PER_TASK).map(([from, to]) => taskOf(from, to - from)),
    );
  }
}

/** The batches of a market in meta-learning: each pass over its interactions in an order of its own. */
export class MetaBatches {
  /** Interactions of each market's batches. */
  readonly sizes: number[];
  /** Steps of an epoch: half of the batches of the largest market. */
  readonly steps: number;
  private readonly passes: number[];

  /** @param counts interactions of each market @param most of a batch */
  constructor(
    readonly counts: readonly number[],
    most: number,
  ) {
    this.sizes = counts.map((count) => Math.max(1, Math.min(most, Math.floor(count / 2))));
    this.passes = counts.map((count, m) => Math.max(1, Math.floor(count / (2 * this.sizes[m]))));
    this.steps = this.passes.reduce((longest, steps) => Math.max(longest, steps), 1);
  }

  /** Where the batches of a step start, and whether a pass begins with it. A market of one interaction has it in both. */
  at(market: number, step: number): { support: number; query: number; pass: number; begins: boolean } {
    const size = this.sizes[market];
    const position = step % this.passes[market];
    const support = 2 * size * position;
    const query = support + size < this.counts[market] ? support + size : support;
    return { support, query, pass: Math.floor(step / this.passes[market]), begins: position === 0 };
  }
}
