// Vectors whose scores are products, laid out as the cosine's are, so that the same file, search and narrow tables serve
// them.
import type { MarketModel } from '../model/model.ts';

/** Columns that rows are lengthened by: a multiple of 16, as d is. */
export const EXTRA = 16;

/**
 * The parts of a market's model whose score of item j is u · v_j + bias_j. With L the length of the longest row,
 * V_j = (v_j, e_j, …, e_j) / L with e_j = √((L² − ‖v_j‖²) / 16) sixteen times: a unit row, and L · (u, 0, …, 0) · V_j is
 * the score. The rest is spread over sixteen columns so that it does not make the steps of int8 coarse.
 *
 * @param vectors (n × d) v
 * @param foldIn (n × d) whose mean over a history is the vector of an unseen user
 * @param userVectors (users × d) added to that for the users of the model
 */
export function dotParts(
  d: number,
  vectors: Float32Array,
  foldIn: Float32Array,
  userVectors?: Float32Array,
): Required<Pick<MarketModel, 'vectors' | 'foldIn' | 'cosineWeight'>> & Pick<MarketModel, 'userVectors'> {
  const n = vectors.length / d;
  const squares = Float64Array.from({ length: n }, (_, j) => {
    let sum = 0;
    for (let k = j * d; k < (j + 1) * d; k++) sum += vectors[k] * vectors[k];
    return sum;
  });
  const most = squares.reduce((found, square) => Math.max(found, square), 0);
  const length = most > 0 ? Math.sqrt(most) : 1;
  const unit = lengthened(vectors, d);
  for (let j = 0; j < n; j++) {
    const row = unit.subarray(j * (d + EXTRA), (j + 1) * (d + EXTRA));
    for (let k = 0; k < d; k++) row[k] = vectors[j * d + k] / length;
    row.fill(Math.sqrt(Math.max(0, length * length - squares[j]) / EXTRA) / length, d);
  }
  return {
    vectors: unit,
    foldIn: lengthened(foldIn, d),
    ...(userVectors && { userVectors: lengthened(userVectors, d) }),
    cosineWeight: length,
  };
}

/** The rows of a table of d columns, with zeros behind. */
function lengthened(table: Float32Array, d: number): Float32Array {
  const rows = table.length / d;
  const longer = new Float32Array(rows * (d + EXTRA));
  for (let r = 0; r < rows; r++) longer.set(table.subarray(r * d, (r + 1) * d), r * (d + EXTRA));
  return longer;
}
