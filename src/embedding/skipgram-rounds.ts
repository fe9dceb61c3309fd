// A step of skip-gram goes through its walks in rounds of tasks: the pairs inside some walks, whose gradients are left
// by position, then the gradients of a range of items from all positions. Walks and items are cut the same way on any
// number of threads, and what is added is added in the order of walks.
import { type Address, NOWHERE, type Pointer, plus } from '../engine/address.ts';
import { Entry, Round, SkipGram } from '../engine/kernel-layout.ts';
import { STREAM } from '../engine/streams.ts';
import { allocateStructs, putStruct, writeStruct } from '../engine/struct.ts';
import { ranges } from '../engine/tasks.ts';
import type { Call, KernelExports, Kernels, Task } from '../engine/types.ts';
import type { PropagatedTable } from './propagation.ts';

/**
 * Targets (contexts and negatives) of the centres of a task, in whole walks: about a millisecond of work at d = 128.
 */
const TARGETS_PER_TASK = 19_200;
/** Tasks of a round, over which gradients are kept by position. */
const TASKS_PER_ROUND = 32;
/** A task gathers the gradients of 2^this items, whose rows in both tables pass through an L2 cache. */
const GATHERED_SHIFT = 9;

/** The pairs that a round counts. */
export interface PairOptions {
  /** d, a multiple of 16. */
  dim: number;
  walkLength: number;
  /** Largest distance of a pair in its walk. */
  window: number;
  /** Negatives of a pair. */
  negatives: number;
  seed: number;
}

/** How the walks of a step are cut into rounds, and what memory a round takes. */
export interface RoundShape {
  /** Most walks of a round. */
  walks: number;
  walksPerTask: number;
  /** Ranges of items. */
  ranges: number;
  /** Linear memory of a round. */
  bytes: number;
  /** Bytes of a task's block. */
  blockBytes: number;
  /**
   * Where a block has the entries of positions and of negatives, the negatives, their errors, loss and pairs, and
   * scratch.
   */
  parts: number[];
}

/** @param largest most walks of a step. */
export function roundShape(
  largest: number,
  n: number,
  { dim, walkLength, window, negatives }: PairOptions,
  exports: KernelExports,
): RoundShape {
  const targets = Math.min(2 * window, walkLength - 1) + negatives;
  const walksPerTask = Math.max(1, Math.floor(TARGETS_PER_TASK / (walkLength * targets)));
  const walks = Math.min(largest, TASKS_PER_ROUND * walksPerTask);
  const positions = walksPerTask * walkLength;
  const ranges = Math.ceil(n / 2 ** GATHERED_SHIFT);
  const indptr = 4 * (ranges + 1);
  const sizes = [
    indptr + Entry.bytes * positions,
    indptr + Entry.bytes * positions * negatives,
    4 * positions * negatives,
    4 * positions * negatives,
    16,
    exports.skipgramScratchBytes(walkLength, window, dim, negatives),
  ];
  const parts: number[] = [];
  let blockBytes = 0;
  for (const bytes of sizes) {
    parts.push(blockBytes);
    blockBytes += Math.ceil(bytes / 64) * 64;
  }
  return {
    walks,
    walksPerTask,
    ranges,
    parts,
    blockBytes,
    bytes: 8 * walks * walkLength * dim + blockBytes * Math.ceil(walks / walksPerTask),
  };
}

/** Addresses of what the tasks of a round read and write. */
export interface RoundOperands {
  walks: Address;
  /** The alias table of visits^0.75, which negatives are drawn from. */
  thresholds: Address;
  aliases: Address;
  centres: PropagatedTable;
  contexts: PropagatedTable;
}

/** The tasks of a round, and what they leave for each other. */
export class Rounds {
  private readonly centreGradients: Address;
  private readonly contextGradients: Address;
  private readonly blocks: Address;
  private readonly training: Pointer<SkipGram>;
  private readonly round: Pointer<Round>;

  constructor(
    private readonly kernels: Kernels,
    private readonly shape: RoundShape,
    private readonly n: number,
    private readonly options: PairOptions,
    private readonly operands: RoundOperands,
  ) {
    const { memory } = kernels;
    const bytes = 4 * shape.walks * options.walkLength * options.dim;
    this.centreGradients = memory.allocate(bytes);
    this.contextGradients = memory.allocate(bytes);
    this.blocks = memory.allocate(shape.blockBytes * Math.ceil(shape.walks / shape.walksPerTask));
    this.training = putStruct(memory, SkipGram, {
      length: options.walkLength,
      window: options.window,
      d: options.dim,
      negatives: options.negatives,
      n,
      thresholds: operands.thresholds,
      aliases: operands.aliases,
      seed: options.seed,
      stage: STREAM.skipgramNegatives,
      v: operands.centres.propagated,
      vbar: operands.contexts.propagated,
    });
    this.round = allocateStructs(memory, Round, 1);
  }

  /**
   * The gradients of the walks [begin, end) by position, and lists of the items that they belong to, by range of items.
   */
  walkTasks(begin: number, end: number): Task[] {
    const { shape } = this;
    const { dim, walkLength, negatives } = this.options;
    return ranges(end - begin, shape.walksPerTask).map(([first, last], block): Task => {
      const count = last - first;
      const position = first * walkLength;
      const row = 4 * position * dim;
      const own = plus(this.operands.walks, 4 * (begin + first) * walkLength);
      const [positions, drawn, items, errors, totals, scratch] = this.partsOf(block);
      this.kernels.memory.f64(totals, 2).fill(0);
      const lists = 4 * (shape.ranges + 1);
      return [
        [
          'skipgram',
          begin + first,
          begin + last,
          own,
          this.training,
          plus(this.centreGradients, row),
          plus(this.contextGradients, row),
          items,
          errors,
          scratch,
          totals,
        ],
        [
          'partition',
          count * walkLength,
          own,
          NOWHERE,
          position,
          1,
          GATHERED_SHIFT,
          shape.ranges,
          positions,
          plus(positions, lists),
        ],
        [
          'partition',
          count * walkLength * negatives,
          items,
          errors,
          position,
          negatives,
          GATHERED_SHIFT,
          shape.ranges,
          drawn,
          plus(drawn, lists),
        ],
      ];
    });
  }

  /**
   * Adds the gradients of the walks [begin, end) to those of V and V̄.
   * @param set whether these are cleared first. @param whole whether they are complete then, and are cut into panels.
   */
  gatherTasks(begin: number, end: number, set: boolean, whole: boolean): Task[] {
    const { shape, n } = this;
    const { walks, centres, contexts } = this.operands;
    const { dim, walkLength } = this.options;
    const blocks = Math.ceil((end - begin) / shape.walksPerTask);
    const [positions, drawn] = this.partsOf(0);
    writeStruct(this.kernels.memory, Round, this.round, {
      ranges: shape.ranges,
      blocks,
      blockBytes: shape.blockBytes,
      walks: plus(walks, 4 * begin * walkLength),
      centres: this.centreGradients,
      contexts: this.contextGradients,
      positions,
      drawn,
      d: dim,
      v: centres.propagated,
      dv: centres.gradient,
      dvbar: contexts.gradient,
    });
    return ranges(n, 2 ** GATHERED_SHIFT).map(([first, last], range): Task => {
      const clear = [centres, contexts].map(
        ({ gradient }): Call => ['clear', (last - first) * dim, plus(gradient, 4 * first * dim)],
      );
      const cut = [centres, contexts].map(
        ({ gradient, panels }): Call => ['cutColumns', first, last, n, dim, gradient, panels],
      );
      return [...(set ? clear : []), ['addGradients', range, this.round], ...(whole ? cut : [])];
    });
  }

  /** Loss and pairs of the walks [begin, end), summed in their order. */
  totals(begin: number, end: number): [loss: number, pairs: number] {
    let loss = 0;
    let pairs = 0;
    for (let block = 0; block < Math.ceil((end - begin) / this.shape.walksPerTask); block++) {
      const [some, counted] = this.kernels.memory.f64(this.partsOf(block)[4], 2);
      loss += some;
      pairs += counted;
    }
    return [loss, pairs];
  }

  private partsOf(block: number): Address[] {
    return this.shape.parts.map((part) => plus(this.blocks, block * this.shape.blockBytes + part));
  }
}
