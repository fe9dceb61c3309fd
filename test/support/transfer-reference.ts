import type { SparsePattern } from '../../src/matrix/sparse.ts';

/** argmin ‖X − X B‖² + λ ‖B − s P‖², diag B = 0, by a plain inverse in f64; P absent is 0. Row after row. */
export function denseEase(X: SparsePattern, lambda: number, prior?: Float64Array, strength = 0): Float64Array {
  const n = X.cols;
  const G = new Float64Array(n * n);
  for (let u = 0; u < X.rows; u++)
    for (let a = X.indptr[u]; a < X.indptr[u + 1]; a++)
      for (let b = X.indptr[u]; b < X.indptr[u + 1]; b++) G[X.indices[a] * n + X.indices[b]]++;
  const right = G.map((value, e) => value + lambda * strength * (prior?.[e] ?? 0));
  for (let i = 0; i < n; i++) G[i * n + i] += lambda;
  const C = inverse(G, n);
  const D = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const c = C[i * n + k];
      for (let j = 0; j < n; j++) D[i * n + j] += c * right[k * n + j];
    }
  return D.map((value, e) => {
    const [i, j] = [Math.floor(e / n), e % n];
    return i === j ? 0 : value - (C[e] * D[j * n + j]) / C[j * n + j];
  });
}

/** Gauss and Jordan, of a symmetric positive definite matrix. */
function inverse(A: Float64Array, n: number): Float64Array {
  const work = A.slice();
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) result[i * n + i] = 1;
  for (let p = 0; p < n; p++) {
    const pivot = 1 / work[p * n + p];
    for (let j = 0; j < n; j++) {
      work[p * n + j] *= pivot;
      result[p * n + j] *= pivot;
    }
    for (let i = 0; i < n; i++) {
      const factor = i === p ? 0 : work[i * n + p];
      for (let j = 0; factor !== 0 && j < n; j++) {
        work[i * n + j] -= factor * work[p * n + j];
        result[i * n + j] -= factor * result[p * n + j];
      }
    }
  }
  return result;
}
