import { createHandler } from 'm3rec';
import kernels from 'm3rec/kernels.wasm'; // a WebAssembly.Module: workers compile nothing themselves
import model from './shop.m3rec'; // an ArrayBuffer

export default { fetch: createHandler(model, { kernels }) };
