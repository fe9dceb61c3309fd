// A page: trains on threads if it may, and leaves what it found where run.mjs looks.
import { webWorkers } from 'm3rec/workers';
import { answer } from './program.mjs';

let threads;
const workers = webWorkers();
answer({ workers, onThreads: (found) => (threads = found) }).then(
  (text) => (globalThis.found = { text, threads }),
  (error) => (globalThis.found = { error: String(error.stack ?? error) }),
);
