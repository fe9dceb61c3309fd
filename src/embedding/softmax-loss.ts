// The softmax loss of stage 3: cross-entropy over the market's items on cos(u, v) / τ, by products of the batch's unit
// vectors with those of all items.
import { type Address, plus } from '../engine/address.ts';
import type { Csr } from '../engine/kernel-layout.ts';
import type { Call, Kernels } from '../engine/types.ts';
import type { BatchMemory } from './adaptation-batch.ts';

/** What it keeps of a market's items, and the calls that go into the tasks of a step. */
export class SoftmaxLoss {
  /** The gradient of V (n × d), which `adamItems` takes and clears. */
  readonly gradient: Address;
  private readonly unit: Address;
  private readonly norms: Address;
  private readonly unitGradient: Address;

  /** @param vectors V (n × d). @param sharpness 1 / τ. Memory is released with the caller's mark. */
  constructor(
    { exports, memory }: Kernels,
    private readonly items: number,
    private readonly dim: number,
    private readonly vectors: Address,
    private readonly sharpness: number,
  ) {
    const size = items * dim;
    this.unit = memory.allocate(4 * size);
    this.norms = memory.allocate(4 * items);
    this.unitGradient = memory.allocate(4 * size);
    this.gradient = memory.allocateZeroed(4 * size);
    exports.unitRows(items, dim, vectors, this.unit, this.norms);
  }

  /**
   * The loss of the users [begin, end) of a batch, which are those of task `task`, and the gradient of their u.
   * @param list their indices. @param x X by users. @param totals the loss and its weight are added here.
   */
  userCalls(
    batch: BatchMemory,
    { begin, end, task }: { begin: number; end: number; task: number },
    list: Address,
    x: Csr,
    totals: Address,
  ): Call[] {
    const { items, dim, sharpness } = this;
    const { ld } = batch;
    const rows = end - begin;
    const row = 4 * dim * begin;
    const [u, du] = [plus(batch.u, row), plus(batch.du, row)];
    const unit = plus(batch.unitU, row);
    const norms = plus(batch.normsU, 4 * begin);
    const unitGradient = plus(batch.unitGradientU, row);
    const scores = plus(batch.scores, 4 * begin * ld);
    const workspace = plus(batch.workspaces, task * batch.workspaceBytes);
    return [
      ['unitRows', rows, dim, u, unit, norms],
      ['clear', rows * ld, scores],
      ['gemmNT', rows, items, dim, sharpness, unit, dim, this.unit, dim, scores, ld, workspace],
      ['softmax', rows, list, x.indptr, x.indices, items, ld, scores, totals],
      ['clear', rows * dim, unitGradient],
      ['gemmNN', rows, dim, items, sharpness, scores, ld, this.unit, dim, unitGradient, dim, workspace],
      ['clear', rows * dim, du],
      ['unitRowsBackward', rows, dim, unit, norms, unitGradient, du],
    ];
  }

  /** The gradient of V for the items [begin, end), which are those of task `task`, from a batch of `count` users. */
  itemCalls(
    batch: BatchMemory,
    count: number,
    { begin, end, task }: { begin: number; end: number; task: number },
  ): Call[] {
    const { dim, sharpness } = this;
    const rows = end - begin;
    const row = 4 * dim * begin;
    const unitGradient = plus(this.unitGradient, row);
    const scores = plus(batch.scores, 4 * begin);
    const workspace = plus(batch.workspaces, task * batch.workspaceBytes);
    return [
      ['clear', rows * dim, unitGradient],
      ['gemmTN', rows, dim, count, sharpness, scores, batch.ld, batch.unitU, dim, unitGradient, dim, workspace],
      [
        'unitRowsBackward',
        rows,
        dim,
        plus(this.unit, row),
        plus(this.norms, 4 * begin),
        unitGradient,
        plus(this.gradient, row),
      ],
    ];
  }

  /** The unit vectors of the items [begin, end) after a step of V. */
  stepped(begin: number, end: number): Call {
    const row = 4 * this.dim * begin;
    return [
      'unitRows',
      end - begin,
      this.dim,
      plus(this.vectors, row),
      plus(this.unit, row),
      plus(this.norms, 4 * begin),
    ];
  }
}
