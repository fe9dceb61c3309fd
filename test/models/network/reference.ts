// A plain f64 network for the tests of the tape: the same functions, on numbers by name.
export type Arrays = Record<string, Float64Array>;

/** Rows of values, one after the other. */
export interface Rows {
  rows: number;
  cols: number;
  at: Float64Array;
}

export const rowsOf = (rows: number, cols: number, value: (r: number, c: number) => number): Rows => ({
  rows,
  cols,
  at: Float64Array.from({ length: rows * cols }, (_, i) => value(Math.floor(i / cols), i % cols)),
});

/** [p_u ; q_i] for each sample. */
export function embed(
  arrays: Arrays,
  tables: readonly [string, string],
  d: number,
  users: ArrayLike<number>,
  items: ArrayLike<number>,
): Rows {
  return rowsOf(users.length, 2 * d, (r, c) =>
    c < d ? arrays[tables[0]][users[r] * d + c] : arrays[tables[1]][items[r] * d + c - d],
  );
}

const ACTIVATIONS = { identity: (x: number) => x, relu: (x: number) => Math.max(0, x), tanh: Math.tanh };

/** act(x W + b). */
export function dense(
  x: Rows,
  weight: Float64Array,
  bias: Float64Array | undefined,
  cols: number,
  activation: keyof typeof ACTIVATIONS,
): Rows {
  return rowsOf(x.rows, cols, (r, c) => {
    let sum = bias?.[c] ?? 0;
    for (let k = 0; k < x.cols; k++) sum += x.at[r * x.cols + k] * weight[k * cols + c];
    return ACTIVATIONS[activation](sum);
  });
}

/** Mean of softplus(z) − y z, the first of every `each` samples being y = 1. */
export function crossEntropy(z: Rows, each: number): number {
  let sum = 0;
  for (const [r, x] of z.at.entries())
    sum += Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) - (r % each === 0 ? x : 0);
  return sum / z.rows;
}

export const multiply = (a: Rows, b: Rows): Rows =>
  rowsOf(a.rows, a.cols, (r, c) => a.at[r * a.cols + c] * b.at[r * b.cols + c]);
export const add = (a: Rows, b: Rows): Rows =>
  rowsOf(a.rows, a.cols, (r, c) => a.at[r * a.cols + c] + b.at[r * b.cols + c]);
export const columns = (a: Rows, from: number, cols: number): Rows =>
  rowsOf(a.rows, cols, (r, c) => a.at[r * a.cols + from + c]);
export const scaleRows = (a: Rows, factor: (r: number) => number): Rows =>
  rowsOf(a.rows, a.cols, (r, c) => factor(r) * a.at[r * a.cols + c]);
export function softmax(a: Rows): Rows {
  return rowsOf(a.rows, a.cols, (r, c) => {
    let sum = 0;
    for (let k = 0; k < a.cols; k++) sum += Math.exp(a.at[r * a.cols + k] - a.at[r * a.cols + c]);
    return 1 / sum;
  });
}
