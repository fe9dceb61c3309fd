// A page without the embedded kernels: it fetches kernels.wasm. Its build names m3rec/slim where program.mjs says m3rec.
import { init } from 'm3rec/slim';
import { answer } from './program.mjs';

init('./kernels.wasm')
  .then(() => answer())
  .then(
    (text) => (globalThis.found = { text }),
    (error) => (globalThis.found = { error: String(error.stack ?? error) }),
  );
