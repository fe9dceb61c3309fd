// The best k of scores: what is wanted, and a scan of all scores that finds it.

import { type Address, NOWHERE, type Pointer } from '../engine/address.ts';
import { SearchState } from '../engine/kernel-layout.ts';
import type { Arena, LinearMemory } from '../engine/memory.ts';
import { putStructs } from '../engine/struct.ts';
import type { Call, Kernels } from '../engine/types.ts';

/** What is wanted for one history of a batch. */
export interface Wanted {
  /** n × u8, nonzero for an item to leave out. */
  excluded: Address;
  /** 1 … n */
  k: number;
}

/** The best items of a history, the best first: `kept` positions and scores from `from` on. */
export interface Best {
  positions: Int32Array;
  scores: Float32Array;
  from: number;
  kept: number;
}

/** A call, and how to read its results afterwards. */
export interface PendingTopK {
  call: Call;
  read(): Best[];
}

/** A history's linear terms or scores, n × f32, and what is wanted of them. */
export type WantedOf = Wanted & { scores: Address };

/** Finds the best items of each history by its scores, all n of them. */
export function scanBest({ memory }: Kernels, n: number, wanted: readonly WantedOf[], scratch: Arena): PendingTopK {
  const { states, out, most, counts, read } = results(memory, wanted, scratch);
  return { call: ['scanBatch', wanted.length, n, states, NOWHERE, out, most, counts], read };
}

/** The states of a batch for the kernels, memory for their results, and how to read these. */
export function results(
  memory: LinearMemory,
  wanted: readonly WantedOf[],
  scratch: Arena,
): { states: Pointer<SearchState>; out: Address; most: number; counts: Address; read: () => Best[] } {
  const m = wanted.length;
  const most = wanted.reduce((largest, { k }) => Math.max(largest, k), 0);
  const states = putStructs(
    scratch,
    SearchState,
    // spreading a constant would take as long as the search of a small market
    wanted.map(({ scores, excluded, k }) => ({
      linear: scores,
      excluded,
      k,
      listed: 0,
      factor: 0,
      share: 0,
      error: 0,
      least: 0,
    })),
  );
  const out = scratch.allocate(8 * most * m);
  const counts = scratch.allocate(4 * m);
  const read = () => {
    // Copied at once: a view would be lost where an answer takes more memory, as that of one without a history does.
    const positions = memory.i32(out, 2 * most * m).slice();
    const scores = new Float32Array(positions.buffer, 4 * most);
    return Array.from(memory.i32(counts, m), (kept, i) => ({ positions, scores, from: 2 * most * i, kept }));
  };
  return { states, out, most, counts, read };
}

/** The k best of n scores, computed now. Peak memory: 8 k bytes. */
export function bestOf(
  { exports, memory }: Kernels,
  n: number,
  scores: Address,
  { excluded, k }: Wanted,
  scratch: Arena,
): Best {
  const positions = scratch.allocate(4 * k);
  const values = scratch.allocate(4 * k);
  const kept = exports.topK(scores, n, excluded, k, positions, values);
  return { positions: memory.i32(positions, kept).slice(), scores: memory.f32(values, kept).slice(), from: 0, kept };
}
