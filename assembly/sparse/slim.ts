// SLIM (Ning and Karypis, 2011) on G = XᵀX: column j of W minimises ½ wᵀGw − G_jᵀw + λ₁‖w‖₁ + ½ λ₂‖w‖² with w ≥ 0 and
// w_j = 0, by cyclic coordinate descent:
//   w_i ← max(0, (G_ij − Σ_{k≠i} G_ik w_k − λ₁) / (G_ii + λ₂)).
// Where G_ij = 0 the numerator is at most −λ₁, since G ≥ 0 and w ≥ 0: the support of a column lies inside the
// neighbours of j, so nothing else is looked at. q = G w is kept up to date there. Order: i ascends, from w = 0, until no
// w_i moves by more than the tolerance. All in f64; one rounding to f32 at the end.
import { at32, at64, f32At, f64At, i32At, setF32, setF64, setI32 } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { Struct } from '../core/struct';

/** G and the two penalties. */
@unmanaged
export class Slim extends Struct {
  /** (n + 1) × i32, rows of G */
  indptr: usize;
  /** columns, strictly increasing */
  indices: usize;
  /** f32 */
  values: usize;
  /** n × f64: G_ii */
  diagonal: usize;
  /** λ₁. */
  lasso: f32;
  /** λ₂. */
  ridge: f32;
  tolerance: f32;
  /** Most sweeps over a column. */
  sweeps: i32;
}

/**
 * Columns [first, last) of W, one after another, rows ascending, entries above 0.
 *
 * @param w n × f64 of scratch
 * @param q n × f64 of scratch
 * @param ends (last − first) × i32: where each column ends
 * @param rows i32, @param out f32: room for as many entries as these rows of G have
 * @returns the most sweeps that a column took
 */
export function slimColumns(
  first: i32,
  last: i32,
  x: Slim,
  w: usize,
  q: usize,
  ends: usize,
  rows: usize,
  out: usize,
): i32 {
  const indptr = x.indptr;
  const indices = x.indices;
  const values = x.values;
  const diagonal = x.diagonal;
  const lasso = <f64>x.lasso;
  const ridge = <f64>x.ridge;
  const tolerance = <f64>x.tolerance;
  const sweeps = x.sweeps;
  let kept = 0;
  let most = 0;
  for (let j = first; j < last; j++) {
    const begin = rowBegin(indptr, j);
    const end = rowEnd(indptr, j);
    for (let e = begin; e < end; e++) {
      const i = i32At(indices, e);
      setF64(w, i, 0);
      setF64(q, i, 0);
    }
    let sweep = 0;
    for (let moved = f64.MAX_VALUE; sweep < sweeps && moved > tolerance; sweep++) {
      moved = 0;
      for (let e = begin; e < end; e++) {
        const i = i32At(indices, e);
        if (i == j) continue;
        const old = f64At(w, i);
        const own = f64At(diagonal, i);
        const rest = <f64>f32At(values, e) - (f64At(q, i) - own * old) - lasso;
        const value = max<f64>(0, rest / (own + ridge));
        if (value == old) continue;
        const step = value - old;
        moved = max(moved, abs(step));
        setF64(w, i, value);
        const stop = rowEnd(indptr, i);
        for (let f = rowBegin(indptr, i); f < stop; f++) {
          const cell = at64(q, i32At(indices, f));
          store<f64>(cell, load<f64>(cell) + step * <f64>f32At(values, f));
        }
      }
    }
    most = max(most, sweep);
    for (let e = begin; e < end; e++) {
      const i = i32At(indices, e);
      const value = <f32>f64At(w, i);
      if (i == j || !(value > 0)) continue;
      setI32(rows, kept, i);
      setF32(out, kept++, value);
    }
    store<i32>(at32(ends, j - first), kept);
  }
  return most;
}
