// The contract in a page or in a module worker: fetches the inputs, and sends the server what it found.
import * as m3rec from 'm3rec';
import { webWorkers } from 'm3rec/workers';
import { contract } from '../contract.mjs';

const { search } = new URL(location.href);
let stage = 'start';
let result;
try {
  const get = async (path) => {
    const response = await fetch(path);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response;
  };
  const model = new Uint8Array(await (await get('/inputs/model.m3rec')).arrayBuffer());
  const run = await (await get('/inputs/run.tsv')).text();
  result = await contract(
    m3rec,
    { model, run, kernels: new URL('/package/dist/kernels.wasm', location.origin), workers: webWorkers() },
    (name) => {
      stage = name;
      // for a page that never ends; what becomes of this message does not matter here
      fetch(`/stage${search}`, { method: 'POST', body: JSON.stringify(name) }).catch(() => {});
    },
  );
} catch (error) {
  result = { error: `${stage}: ${error.message}` };
}
await fetch(`/result${search}`, { method: 'POST', body: JSON.stringify(result) });
