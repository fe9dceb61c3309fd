// The host's side of assembly/serving/search.ts: the best items of many users, exactly, without most of the exact scores.

import { type Address, NOWHERE, type Pointer, plus } from '../engine/address.ts';
import type { Kernels } from '../engine/instantiate.ts';
import { QUANTISED_SCALE, SEARCH_SCRATCH_BYTES, SearchedItems, SearchState } from '../engine/kernel-layout.ts';
import type { LinearMemory } from '../engine/memory.ts';
import { putStruct, putStructs } from '../engine/struct.ts';
import type { Call } from '../engine/tasks.ts';

/** What a whole number is off by at most: ½ for its rounding, and what its factor and product are rounded off in f32, 32,065 · 3 · 2⁻²⁴ < 0.006. */
const ROUNDED = 0.51;
/** Longest row of V that is taken, and longest u / ‖u‖ by a norm in f32. */
const LENGTH = 1.002;
/** ‖V_j‖² in f32 up to here is that of a unit vector, as the model file's validator has it. */
const MOST_SQUARE = 1.0021;

/** What the scores of a market's n items are made of, beside the users. */
export interface Catalogue {
  n: number;
  d: number;
  /** n × d × f32, V */
  vectors: Address;
  /** n × f32 */
  bias?: Address;
  cosineWeight: number;
  /** The rows of V as whole numbers, from `shortenRows`. */
  shorts: Address;
  /** n × f32, all 0 */
  zeros: Address;
}

/** A user of a batch. */
export interface Seeker {
  /** n × f32, the linear terms */
  linear: Address;
  /** n × u8, other than 0 for an item to leave out */
  excluded: Address;
  /** 1 … n */
  k: number;
}

/** The best items of a user, the best first: `kept` positions and scores from `from` on. */
export interface Best {
  positions: Int32Array;
  scores: Float32Array;
  from: number;
  kept: number;
}

/**
 * How far p · q / S² may be from the cosine in the exact score: x a row of V, y = u / ‖u‖, p = round(S x), q = round(S y).
 *
 * With p = S x + a and q = S y + b, |a_k| and |b_k| ≤ ROUNDED, p · q differs from S² x · y by S x · b + S y · a + a · b, at most
 * ROUNDED · S (‖x‖₁ + ‖y‖₁) + ROUNDED² d, where ‖·‖₁ ≤ √d ‖·‖₂ ≤ √d LENGTH. Both scores take the same f32 for ‖u‖, so its
 * rounding is no part of the difference. Further roundings are of 2⁻²⁴ of at most LENGTH² each: in the exact score at most d/4 + 6
 * of the sum (a product, four lanes, their sum, the last elements), one of the factor, one of their product; here three (p · q as
 * f32, the factor, their product). Twice as many are allowed for, which covers their products, the rounding of this bound and of
 * its product with the weight, and whatever falls below the smallest f32.
 *
 * @returns 3.7e-4 at d = 128, 8.4e-3 at d = 65,535.
 */
export function cosineError(d: number): number {
  const shortened = (2 * ROUNDED * QUANTISED_SCALE * Math.sqrt(d) * LENGTH + ROUNDED ** 2 * d) / QUANTISED_SCALE ** 2;
  return shortened + (d / 2 + 24) * 2 ** -24 * LENGTH ** 2;
}

/**
 * Makes the whole numbers of a market's items, 2 n d bytes: as much work as to score a user or two.
 * @returns undefined where a row is longer than a unit vector, which only a model that was made by hand can have.
 */
export function shortenItems(
  { exports, memory }: Kernels,
  market: Omit<Catalogue, 'shorts' | 'zeros'>,
): Catalogue | undefined {
  const { n, d, vectors } = market;
  const shorts = memory.allocate(8 * Math.ceil(n / 8) * shortBytes(d), 'the whole numbers of a batch');
  if (!(exports.shortenRows(n, d, vectors, shorts) <= MOST_SQUARE)) return undefined;
  return { ...market, shorts, zeros: memory.allocateZeroed(4 * n) };
}

/** A call to be made, and then what it found: views, good until the next allocation. */
export interface Finding {
  call: Call;
  read(): Best[];
}

/**
 * The best items of each user, bit for bit those that the exact scores give.
 * Peak memory beside the items': 8 n bytes a user for what may be among the best, of which few are touched.
 * @param users m × d × f32, the users' vectors
 */
export function searchBest(
  { memory }: Kernels,
  { n, d, vectors, shorts, bias = NOWHERE, cosineWeight, zeros }: Catalogue,
  users: Address,
  seekers: Seeker[],
): Finding {
  const m = seekers.length;
  const { states, out, most, counts, read } = results(memory, seekers);
  const items = putStruct(memory, SearchedItems, {
    n,
    d,
    vectors,
    shorts,
    bias,
    zeros,
    weight: cosineWeight,
    error: cosineError(d),
  });
  const lists = memory.allocate(8 * n * m);
  const scratch = memory.allocate(SEARCH_SCRATCH_BYTES + 4 * Math.ceil(m / 4) * shortBytes(d));
  return {
    call: ['searchBatch', m, items, users, states, lists, out, most, counts, scratch],
    read,
  };
}

/**
 * The best items of each user by the scores of all items.
 * @param seekers whose linear terms, n × f32, are by then the scores but for the bias
 * @param bias n × f32
 */
export function scanBest({ memory }: Kernels, n: number, bias = NOWHERE, seekers: Seeker[]): Finding {
  const { states, out, most, counts, read } = results(memory, seekers);
  return { call: ['scanBatch', seekers.length, n, states, bias, out, most, counts], read };
}

/** What a kernel makes of a user's state. */
const UNSEARCHED = { listed: 0, factor: 0, share: 0, error: 0, least: 0 };

/** The users' states, room for what is found for them, and how to read it. */
function results(
  memory: LinearMemory,
  seekers: Seeker[],
): { states: Pointer<SearchState>; out: Address; most: number; counts: Address; read: () => Best[] } {
  const m = seekers.length;
  const most = seekers.reduce((largest, { k }) => Math.max(largest, k), 0);
  const states = putStructs(
    memory,
    SearchState,
    seekers.map(({ linear, excluded, k }) => ({ ...UNSEARCHED, linear, excluded, k })),
  );
  const out = memory.allocate(8 * most * m);
  const counts = memory.allocate(4 * m);
  const read = () => {
    const positions = memory.i32(out, 2 * most * m);
    const scores = memory.f32(plus(out, 4 * most), 2 * most * m - most);
    return Array.from(memory.i32(counts, m), (kept, i) => ({ positions, scores, from: 2 * most * i, kept }));
  };
  return { states, out, most, counts, read };
}

/** Bytes of a row of whole numbers, as in assembly/serving/search.ts. */
const shortBytes = (d: number) => 4 * Math.ceil(d / 2);
