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
