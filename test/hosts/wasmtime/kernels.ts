// The kernels by themselves, for an engine without a JavaScript host: `run` fills memory with fixed numbers, calls kernels of each
// kind, and leaves what they wrote from address OUTPUT on. Compiled from the same sources with the same flags as kernels.wasm, but
// with a memory of its own.
import { adam, addCosines, choleskyInverse, dropout, exp, fillUniform, gemmNN, log, pow, shuffle, topK } from '../../../assembly/index';

const N: i32 = 96;
const TABLE: usize = (<usize>N * <usize>N) << 2;
const INPUTS: usize = 65536;
const WORKSPACE: usize = INPUTS + 8 * TABLE;
/** Outputs, up to the end of memory. */
const OUTPUT: usize = 4 << 20;
const CALLS: i32 = 2000;

export function run(): void {
  const a = INPUTS;
  const b = a + TABLE;
  fillUniform(a, N * N, 0.5, 1, 2, 0);
  fillUniform(b, N * N, 0.5, 1, 3, 0);
  let out = OUTPUT;

  gemmNN(N, N, N, 0.75, a, N, b, N, out, N, WORKSPACE);
  out += TABLE;

  // A diagonally dominant matrix, inverted
  for (let i = 0; i < N; i++) {
    for (let j = 0; j < N; j++) {
      const x = load<f32>(a + ((<usize>(min(i, j) * N + max(i, j))) << 2));
      store<f32>(out + ((<usize>(i * N + j)) << 2), i == j ? <f32>N + x : x);
    }
  }
  choleskyInverse(N, out, WORKSPACE);
  out += TABLE;

  addCosines(out, N / 2, N, N, a, b, WORKSPACE, 0.3);
  topK(out, N, 0, 10, out + TABLE, out + TABLE + 64);
  out += TABLE + 128;

  // Adam from b's values as gradients, moments starting at 0
  memory.copy(out, a, TABLE);
  memory.copy(WORKSPACE, b, TABLE);
  for (let step = 0; step < 3; step++) {
    memory.copy(WORKSPACE, b, TABLE);
    adam(N * N, out, WORKSPACE, out + TABLE, out + 2 * TABLE, 0.01, 0.9, 0.999, 1e-8);
  }
  out += 3 * TABLE;

  for (let i = 0; i < N; i++) store<i32>(WORKSPACE + ((<usize>i) << 2), i);
  memory.copy(out, a, TABLE);
  dropout(N, N, out, 0.3, 5, 6, WORKSPACE);
  out += TABLE;
  memory.copy(out, WORKSPACE, (<usize>N) << 2);
  shuffle(out, N, 7, 8, 9);
  out += (<usize>N) << 2;

  for (let i = 0; i < CALLS; i++) {
    const x = <f64>load<f32>(b + ((<usize>i) << 2));
    store<f64>(out, exp(20 * x));
    store<f64>(out, log(abs(x) + 1e-9), 8);
    store<f64>(out, pow(abs(x) + 0.1, 3 * x), 16);
    out += 24;
  }
}
