// The host's side of assembly/serving/search.ts: the best items of many users, exactly, without most of the exact
// scores.

import { type Address, NOWHERE } from '../engine/address.ts';
import { QUANTISED_SCALE, SEARCH_SCRATCH_BYTES, SearchedItems } from '../engine/kernel-layout.ts';
import type { Arena } from '../engine/memory.ts';
import { putStruct } from '../engine/struct.ts';
import type { Kernels } from '../engine/types.ts';
import { type PendingTopK, results, type WantedOf } from './top-k.ts';

/**
 * Largest error of a quantised number: ½ for its rounding, and 32,065 · 3 · 2⁻²⁴ < 0.006 for the rounding of its factor
 * and product in f32.
 */
const ROUNDED = 0.51;
/** Longest row of V that is accepted, and longest u / ‖u‖ by a norm in f32. */
const LENGTH = 1.002;
/** Largest ‖V_j‖² in f32 of a unit vector, as in the model file's validator. */
const MOST_SQUARE = 1.0021;

/** The items of a market, ready for a search. */
export interface QuantisedItems {
  n: number;
  d: number;
  /** n × d × f32, V */
  vectors: Address;
  /** n × f32 */
  bias?: Address;
  cosineWeight: number;
  /** Whether products are divided by ‖u‖. */
  cosine: boolean;
  /** The rows of V as 16-bit integers, from `shortenRows`. */
  quantised: Address;
  /** n × f32, all 0 */
  zeros: Address;
}

/**
 * How far p · q / S² may be from the cosine in the exact score: x a row of V, y = u / ‖u‖, p = round(S x), q = round(S
 * y).
 *
 * With p = S x + a and q = S y + b, |a_k| and |b_k| ≤ ROUNDED, p · q differs from S² x · y by S x · b + S y · a + a ·
 * b, at most ROUNDED · S (‖x‖₁ + ‖y‖₁) + ROUNDED² d, where ‖·‖₁ ≤ √d ‖·‖₂ ≤ √d LENGTH. Both scores take the same f32
 * for ‖u‖, so its rounding is no part of the difference. Further roundings are of 2⁻²⁴ of at most LENGTH² each: in the
 * exact score at most d/4 + 6 of the sum (a product, four lanes, their sum, the last elements), one of the factor, one
 * of their product; here three (p · q as f32, the factor, their product). The bound allows for twice as many, which
 * covers their products, the rounding of this bound and of its product with the weight, and everything below the
 * smallest f32. Where scores are products, u · V_j times a weight, only the bounds rest on ‖u‖ in f32: d/8 + 4
 * roundings of the d/4 + 12 that are spare.
 *
 * @returns 3.7e-4 at d = 128, 8.4e-3 at d = 65,535.
 */
export function cosineError(d: number): number {
  const shortened = (2 * ROUNDED * QUANTISED_SCALE * Math.sqrt(d) * LENGTH + ROUNDED ** 2 * d) / QUANTISED_SCALE ** 2;
  return shortened + (d / 2 + 24) * 2 ** -24 * LENGTH ** 2;
}

/**
 * Quantises a market's items to 16 bits, 2 n d bytes: as much work as to score a user or two. @returns undefined if a
 * row is longer than a unit vector, which only a model that was made by hand can have.
 */
export function quantiseItems(
  { exports }: Kernels,
  market: Omit<QuantisedItems, 'quantised' | 'zeros'>,
  scratch: Arena,
): QuantisedItems | undefined {
  const { n, d, vectors } = market;
  const quantised = scratch.allocate(8 * Math.ceil(n / 8) * rowBytes(d), 'the quantised items of a batch');
  if (!(exports.shortenRows(n, d, vectors, quantised) <= MOST_SQUARE)) return undefined;
  return { ...market, quantised, zeros: scratch.allocateZeroed(4 * n) };
}

/**
 * Finds the best items of each user, bit for bit those of the exact scores. Peak memory, besides the items: 8 n bytes a
 * user for candidates, of which few are touched.
 * @param users m × d × f32, the users' vectors
 * @param wanted with the linear terms as scores
 */
export function searchBest(
  { memory }: Kernels,
  { n, d, vectors, quantised, bias = NOWHERE, cosineWeight, cosine, zeros }: QuantisedItems,
  users: Address,
  wanted: readonly WantedOf[],
  scratch: Arena,
): PendingTopK {
  const m = wanted.length;
  const { states, out, most, counts, read } = results(memory, wanted, scratch);
  const items = putStruct(scratch, SearchedItems, {
    n,
    d,
    vectors,
    shorts: quantised,
    bias,
    zeros,
    weight: cosineWeight,
    error: cosineError(d),
    cosine: Number(cosine),
  });
  const lists = scratch.allocate(8 * n * m);
  const work = scratch.allocate(SEARCH_SCRATCH_BYTES + 4 * Math.ceil(m / 4) * rowBytes(d));
  return { call: ['searchBatch', m, items, users, states, lists, out, most, counts, work], read };
}

/** Bytes of a quantised row, as in assembly/serving/search.ts. */
const rowBytes = (d: number) => 4 * Math.ceil(d / 2);
