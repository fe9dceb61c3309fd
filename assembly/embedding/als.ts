// Half a step of iALS (Hu et al., 2008; Rendle et al., 2022), exact: for each row x of X with one entry or more,
//   (α₀ Σ_j h_j h_jᵀ + λ_x I + Σ_{i∈x} h_i h_iᵀ) w = Σ_{i∈x} h_i;
// a row without entries is 0. Storage of the system: panels of 8 rows as in dense/solve.ts, which solves it in f32.
// Order: the terms h hᵀ are added to the Gram matrix's panels in the order of the row.
import { at32, bytesOf, f32At, i32At } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { madd } from '../core/madd';
import { Struct } from '../core/struct';
import { addInto } from '../core/vector';
import { solvePanels } from '../dense/solve';

/** Bytes of one column of a panel. */
const COLUMN: usize = 32;
/** Largest number of a solution: its square and a score stay far inside f32. */
const LARGEST: f32 = 1e12;

/** The rows to solve, and what is fixed. */
@unmanaged
export class Als extends Struct {
  /** X: (rows + 1) × i32, and the items of each row */
  indptr: usize;
  items: usize;
  /** items × f32, h in the first d columns of `stride` */
  vectors: usize;
  /** Columns of a row of `vectors` and of what is written, at least d. */
  stride: i32;
  /** A multiple of 8. */
  d: i32;
  /** rows × i32: which Gram matrix a row has */
  kinds: usize;
  /** Gram matrices α₀ Σ h hᵀ in panels, d × d × f32 each */
  grams: usize;
  /** rows × f32: λ_x */
  ridges: usize;
}

/**
 * Solves rows [first, last). A row whose system is not positive definite in single precision, or whose solution is not
 * finite, is 0.
 *
 * @param out rows × stride × f32, of which the first d columns of these rows are written
 * @param panels (d / 8 + 1) panels of 8 × d × f32 of scratch
 * @param scratch d × f32, then solveScratchBytes()
 * @param failed i32: 1 is added for each row whose system could not be solved
 */
export function alsRows(first: i32, last: i32, x: Als, out: usize, panels: usize, scratch: usize, failed: usize): void {
  const d = x.d;
  const bytes = bytesOf(x.stride);
  const work = scratch;
  const solving = scratch + bytesOf(d);
  const length = <usize>d * COLUMN;
  const size = ((<usize>d) >> 3) * length;
  for (let row = first; row < last; row++) {
    const begin = rowBegin(x.indptr, row);
    const end = rowEnd(x.indptr, row);
    const target = out + <usize>row * bytes;
    memory.fill(target, 0, bytesOf(d));
    if (begin == end) continue;
    memory.copy(panels, x.grams + <usize>i32At(x.kinds, row) * size, size);
    memory.fill(work, 0, bytesOf(d));
    const ridge = f32At(x.ridges, row);
    for (let k = 0; k < d; k++) {
      const cell = panels + <usize>(k >> 3) * length + <usize>k * COLUMN + ((<usize>(k & 7)) << 2);
      store<f32>(cell, load<f32>(cell) + ridge);
    }
    let e = begin;
    for (; e + 4 <= end; e += 4) {
      const h = at32(x.items, e);
      addOuter4(
        d,
        panels,
        length,
        x.vectors + <usize>load<i32>(h) * bytes,
        x.vectors + <usize>load<i32>(h, 4) * bytes,
        x.vectors + <usize>load<i32>(h, 8) * bytes,
        x.vectors + <usize>load<i32>(h, 12) * bytes,
      );
    }
    for (; e < end; e++) addOuter(d, panels, length, x.vectors + <usize>i32At(x.items, e) * bytes);
    for (e = begin; e < end; e++) addInto(d, x.vectors + <usize>i32At(x.items, e) * bytes, work);
    const side = panels + size;
    memory.fill(side, 0, length);
    for (let k = 0; k < d; k++) store<f32>(side + <usize>k * COLUMN, f32At(work, k));
    let solved = solvePanels(d, 0, 0, 1, panels, solving) == 0;
    for (let k = 0; k < d; k++) solved = solved && abs(load<f32>(side + <usize>k * COLUMN)) <= LARGEST;
    if (solved) for (let k = 0; k < d; k++) store<f32>(at32(target, k), load<f32>(side + <usize>k * COLUMN));
    else store<i32>(failed, load<i32>(failed) + 1);
  }
}

/** Adds h hᵀ to the panels, down to the diagonal. */
function addOuter(d: i32, panels: usize, length: usize, h: usize): void {
  for (let p = 0; p < d; p += 8) {
    const low = v128.load(at32(h, p));
    const high = v128.load(at32(h, p), 16);
    let at = panels + <usize>(p >> 3) * length;
    for (let c = 0; c < p + 8; c++) {
      const x = v128.load32_splat(at32(h, c));
      v128.store(at, madd(v128.load(at), x, low));
      v128.store(at, madd(v128.load(at, 16), x, high), 16);
      at += COLUMN;
    }
  }
}

/** As `addOuter` for four rows, one after the other: the same bits. */
function addOuter4(d: i32, panels: usize, length: usize, h0: usize, h1: usize, h2: usize, h3: usize): void {
  for (let p = 0; p < d; p += 8) {
    const a0 = v128.load(at32(h0, p));
    const b0 = v128.load(at32(h0, p), 16);
    const a1 = v128.load(at32(h1, p));
    const b1 = v128.load(at32(h1, p), 16);
    const a2 = v128.load(at32(h2, p));
    const b2 = v128.load(at32(h2, p), 16);
    const a3 = v128.load(at32(h3, p));
    const b3 = v128.load(at32(h3, p), 16);
    let at = panels + <usize>(p >> 3) * length;
    for (let c = 0; c < p + 8; c++) {
      const x0 = v128.load32_splat(at32(h0, c));
      const x1 = v128.load32_splat(at32(h1, c));
      const x2 = v128.load32_splat(at32(h2, c));
      const x3 = v128.load32_splat(at32(h3, c));
      let sum = madd(v128.load(at), x0, a0);
      sum = madd(sum, x1, a1);
      sum = madd(sum, x2, a2);
      v128.store(at, madd(sum, x3, a3));
      sum = madd(v128.load(at, 16), x0, b0);
      sum = madd(sum, x1, b1);
      sum = madd(sum, x2, b2);
      v128.store(at, madd(sum, x3, b3), 16);
      at += COLUMN;
    }
  }
}
