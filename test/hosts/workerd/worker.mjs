// The contract in workerd, which compiles no WebAssembly at run time: the kernels are imported as a module.
import * as m3rec from 'm3rec';
import kernels from 'm3rec/kernels.wasm';
import { contract } from '../contract.mjs';
import model from './model.m3rec';
import run from './run.tsv';

export default {
  async fetch() {
    let stage = 'start';
    try {
      return Response.json(
        await contract(m3rec, { model: new Uint8Array(model), run, kernels }, (name) => {
          stage = name;
        }),
      );
    } catch (error) {
      return Response.json({ error: `${stage}: ${error.message}` });
    }
  },
};
