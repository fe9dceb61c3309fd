// Matrices in compressed rows: entries rowBegin(indptr, r) … rowEnd(indptr, r) − 1 are those of row r.
import { Struct } from './struct';

/** A matrix in compressed rows. */
@unmanaged
export class Csr extends Struct {
  /** (rows + 1) × i32 */
  indptr: usize;
  /** (indptr[rows]) × i32, the column of each entry */
  indices: usize;
  /** (indptr[rows]) × f32; 0 for a pattern */
  values: usize;
}

// @ts-ignore: decorator
@inline
export function rowBegin(indptr: usize, row: i32): i32 {
  return load<i32>(indptr + ((<usize>row) << 2));
}

// @ts-ignore: decorator
@inline
export function rowEnd(indptr: usize, row: i32): i32 {
  return load<i32>(indptr + ((<usize>row) << 2), 4);
}
