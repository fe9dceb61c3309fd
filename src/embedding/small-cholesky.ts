// Factors of small dense matrices in doubles, on the host: a few hundred rows, a few times in a training.

/** A column that the columns before it leave less than this part of is dropped: in f32, what is left is rounding. */
const LEAST_LEFT = 1e-5;

/** Columns between two ticks. */
const AT_ONCE = 32;

/**
 * L (d × d, lower) with A = LLᵀ, for A positive semidefinite up to rounding: where a column adds nothing to those
 * before it, its column of L is 0.
 *
 * @param A (d × d), of which the lower triangle is read
 * @param tick lets the event loop run
 */
export async function choleskyFactor(A: Float32Array, d: number, tick: () => Promise<void>): Promise<Float32Array> {
  const L = new Float64Array(d * d);
  for (let j = 0; j < d; j++) {
    if (j % AT_ONCE === 0) await tick();
    let pivot = A[j * d + j];
    for (let k = 0; k < j; k++) pivot -= L[j * d + k] * L[j * d + k];
    if (!(pivot > LEAST_LEFT * A[j * d + j])) continue;
    const root = Math.sqrt(pivot);
    L[j * d + j] = root;
    for (let i = j + 1; i < d; i++) {
      let value = A[i * d + j];
      for (let k = 0; k < j; k++) value -= L[i * d + k] * L[j * d + k];
      L[i * d + j] = value / root;
    }
  }
  return Float32Array.from(L);
}

/** L⁻ᵀ (d × d, upper), for L lower; the column of a pivot that is 0 is 0, so that such columns stay dropped. */
export async function inverseOfTransposed(
  L: Float32Array,
  d: number,
  tick: () => Promise<void>,
): Promise<Float32Array> {
  // row i of the inverse of L, by the rows before it
  const inverse = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    if (i % AT_ONCE === 0) await tick();
    const pivot = L[i * d + i];
    if (pivot === 0) continue;
    const row = inverse.subarray(i * d, i * d + d);
    row[i] = 1 / pivot;
    for (let k = 0; k < i; k++) {
      const factor = L[i * d + k] / pivot;
      if (factor !== 0) for (let j = 0; j <= k; j++) row[j] -= factor * inverse[k * d + j];
    }
  }
  return Float32Array.from({ length: d * d }, (_, at) => inverse[(at % d) * d + Math.floor(at / d)]);
}
