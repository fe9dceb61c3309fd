// The same arrays twice: once in linear memory for the kernels, once as plain typed arrays, so that no copy is in the
// timing.
import { putStruct } from '../../dist/kernels.js';

export class BenchMemory {
  constructor(memory) {
    this.memory = memory;
  }

  /** A typed array in both worlds: `at` is its address, `js` the plain copy. */
  put(array) {
    return { at: this.memory.put(array), js: array.slice() };
  }

  f32 = (n) => this.put(new Float32Array(n));
  f64 = (n) => this.put(new Float64Array(n));
  i32 = (n) => this.put(new Int32Array(n));
  u32 = (n) => this.put(new Uint32Array(n));

  /** Untyped room for a kernel's own use. */
  scratch(bytes) {
    return this.memory.allocateZeroed(bytes);
  }

  /** A struct of the kernels; its address. */
  struct(layout, fields) {
    return putStruct(this.memory, layout, fields);
  }

  /** A sparse matrix or pattern in both worlds. */
  putMatrix({ rows, cols, indptr, indices, values }) {
    return { rows, cols, indptr: this.put(indptr), indices: this.put(indices), values: values && this.put(values) };
  }

  /** What linear memory holds of a pair: good until the next allocation. */
  view({ at, js }) {
    return new js.constructor(this.memory.memory.buffer, at, js.length);
  }

  /** Puts one world's array, `wasm` or `js`, back to `initial`. */
  restore(pair, initial, world) {
    (world === 'wasm' ? this.view(pair) : pair.js).set(initial);
  }
}
