/** The first d rows and columns of a square matrix in panels of 8 rows, column by column (assembly/dense/solve.ts). */
export function inPanels(square: Float32Array, stride: number, d: number): Float32Array {
  const panels = new Float32Array(d * d);
  for (let p = 0; p < d; p += 8)
    for (let c = 0; c < d; c++) for (let r = 0; r < 8; r++) panels[p * d + 8 * c + r] = square[(p + r) * stride + c];
  return panels;
}
