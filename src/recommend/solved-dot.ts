// The scorer of iALS: the vector of a user, known or not, is the exact solution for their history with the items' vectors
// fixed (the formula at `MarketModel.gram`), and scores are its products with these.
import { type Address, type Pointer, plus } from '../engine/address.ts';
import { Als } from '../engine/kernel-layout.ts';
import type { Arena, Region } from '../engine/memory.ts';
import { putStruct } from '../engine/struct.ts';
import type { Kernels } from '../engine/types.ts';
import { inPanels } from '../matrix/panels.ts';
import type { Model } from '../model/model.ts';
import { putTable } from '../model/table.ts';
import { inRegion, LinearCosine, type LinearTerms } from './linear-cosine.ts';
import type { History, Scorer } from './scorer.ts';

/** Columns of the vectors that make them unit rows; a solution has none there. */
const EXTRA = 16;

export function solvedDot(model: Model, kernels: Kernels): Scorer {
  const scorer = inRegion(kernels, (region) => new SolvedDot(model, kernels, region));
  // a solution is no sum over the history, so there is nothing to explain
  return {
    foldsIn: true,
    score: (...given) => scorer.score(...given),
    search: (...given) => scorer.search(...given),
    similar: (...given) => scorer.similar(...given),
    steps: (number, history) => scorer.steps(number, history),
    close: () => scorer.close(),
  } as Scorer;
}

class SolvedDot extends LinearCosine {
  /** Of each market, Σ α₀ V_j V_jᵀ in panels. */
  private readonly grams: Address[];

  constructor(
    private readonly model: Model,
    kernels: Kernels,
    region: Region,
  ) {
    super(model, kernels, region, false);
    this.grams = model.markets.map(({ name, gram }) => {
      const { memory } = kernels;
      const { dim } = model;
      const mark = memory.mark();
      const square = memory.f32(putTable(kernels, gram!, dim, false, name, memory), dim * dim).slice();
      memory.release(mark);
      return region.put(inPanels(square, dim, dim - EXTRA), `market ${name} of the model`);
    });
  }

  protected override terms(
    number: number,
    histories: readonly History[],
    _: readonly Address[],
    scratch: Arena,
  ): LinearTerms {
    const { exports, memory } = this.kernels;
    const market = this.model.markets[number];
    const { foldRidge = 0, foldUnseen = 0, foldPower = 0 } = market;
    const d = this.d - EXTRA;
    const m = histories.length;
    const users = scratch.allocateZeroed(4 * this.d * m);
    const indptr = new Int32Array(m + 1);
    for (const [i, { positions }] of histories.entries()) indptr[i + 1] = indptr[i] + positions.length;
    const items = new Int32Array(indptr[m]);
    for (const [i, { positions }] of histories.entries()) items.set(positions, indptr[i]);
    const x: Pointer<Als> = putStruct(scratch, Als, {
      indptr: scratch.put(indptr),
      items: scratch.put(items),
      vectors: this.vectorsOf(number),
      stride: this.d,
      d,
      kinds: scratch.allocateZeroed(4 * m),
      grams: this.grams[number],
      ridges: scratch.put(
        Float32Array.from(histories, ({ positions }) => {
          const whole = positions.length + foldUnseen;
          return whole > 0 ? foldRidge * exports.pow(whole, foldPower) : foldRidge;
        }),
      ),
    });
    const panels = scratch.allocate(4 * d * (d + 8));
    const solving = scratch.allocate(4 * d + exports.solveScratchBytes());
    const failed = scratch.allocateZeroed(4);
    const read = () =>
      histories.map((_, i) => {
        const vector = plus(users, 4 * this.d * i);
        const informed = memory.f32(vector, d).some((value) => value !== 0);
        return { vector: informed ? vector : undefined, counted: 0, informed };
      });
    return { users, calls: [['alsRows', 0, m, x, users, panels, solving, failed]], read };
  }

  override steps(_: number, { positions }: History): number {
    const d = this.d - EXTRA;
    return (positions.length * d * d) / 2 + (d * d * d) / 6;
  }
}
