import type { Address } from '../../engine/address.ts';
import { Csr } from '../../engine/kernel-layout.ts';
import type { Arena, Region } from '../../engine/memory.ts';
import { putStruct } from '../../engine/struct.ts';
import type { Call, Kernels } from '../../engine/types.ts';
import type { Model } from '../../model/model.ts';
import type { Evidence, History, Pending, Scorer } from '../../recommend/scorer.ts';
import { Parameters } from '../network/parameters.ts';
import { type Room, Tape } from '../network/tape.ts';
import { arraysOfVae, decoded, EXTRA, encoded, fillOnes, type Sizes } from './layers.ts';

/**
 * Scores anybody by a history, users of the model too: the network has no parameters of users.
 * @throws MemoryError if it does not fit.
 */
export function vaeScorer(model: Model, sizes: Sizes, kernels: Kernels): Scorer {
  const region = kernels.memory.region();
  try {
    return new VaeScorer(model, sizes, kernels, region);
  } catch (error) {
    region.free();
    throw error;
  }
}

class VaeScorer implements Scorer {
  readonly foldsIn = true;
  private readonly parameters: Parameters;
  /** The rows of W_4 of each market's items. */
  private readonly markets: { items: Int32Array; decoder: Address }[];
  private readonly ones: Address;

  constructor(
    model: Model,
    private readonly sizes: Sizes,
    private readonly kernels: Kernels,
    private readonly region: Region,
  ) {
    const { exports, memory } = kernels;
    const { hidden } = sizes;
    this.parameters = new Parameters(arraysOfVae(sizes, model.items.length), region);
    memory.f32(this.parameters.at, this.parameters.size).set(model.parameters!);
    this.ones = region.put(new Float32Array(hidden).fill(1));
    this.markets = model.markets.map(({ items }) => {
      const width = hidden + EXTRA;
      const decoder = region.allocate(4 * width * items.length);
      const mark = memory.mark();
      exports.takeRows(items.length, memory.put(items), width, this.parameters.address('decoder'), decoder, width);
      memory.release(mark);
      return { items, decoder };
    });
  }

  close(): void {
    this.region.free();
  }

  score(number: number, histories: readonly History[], out: Address, scratch: Arena): Pending<Evidence[]> {
    const { exports, memory } = this.kernels;
    const { hidden, dim } = this.sizes;
    const { items, decoder } = this.markets[number];
    const [m, n, width] = [histories.length, items.length, hidden + EXTRA];
    const workspace = scratch.allocate(exports.gemmWorkspaceBytes());
    const room: Room = { address: (name) => this.parameters.address(name), scratch, workspace };
    // nothing here asks for the samples' users and items
    const tape = new Tape({ rows: m, market: number, users: out, items: out }, [], room);
    const sum = tape.value(hidden);
    const matrix = putStruct(scratch, Csr, this.rowsOf(items, histories, scratch));
    tape.calls.push(['addWeighted', 0, m, matrix, hidden, this.parameters.address('encoder'), sum.at]);
    const moments = encoded(tape, sum, this.sizes);
    const wide = scratch.allocate(4 * m * width);
    fillOnes(memory.f32(wide, m * width), hidden);
    decoded(tape, tape.columns(moments, 0, dim), this.sizes, wide, this.ones);
    const calls: Call[] = [
      ...tape.calls,
      ['clear', m * n, out],
      ['gemmNT', m, n, width, 1, wide, width, decoder, width, out, n, workspace],
    ];
    return { calls, read: () => histories.map(({ positions }) => ({ informed: positions.length > 0 })) };
  }

  /** x / ‖x‖ of each history, over the items of all markets. */
  private rowsOf(items: Int32Array, histories: readonly History[], scratch: Arena): Csr {
    const indptr = new Int32Array(histories.length + 1);
    for (const [i, { positions }] of histories.entries()) indptr[i + 1] = indptr[i] + positions.length;
    const indices = new Int32Array(indptr[histories.length]);
    const values = new Float32Array(indices.length);
    for (const [i, { positions }] of histories.entries()) {
      for (const [h, position] of positions.entries()) indices[indptr[i] + h] = items[position];
      values.fill(1 / Math.sqrt(positions.length), indptr[i], indptr[i + 1]);
    }
    return { indptr: scratch.put(indptr), indices: scratch.put(indices), values: scratch.put(values) };
  }
}
