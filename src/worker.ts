// A Web Worker of a pool (dist/worker.js).
import { serveTasks } from './threads/worker-loop.ts';

addEventListener('message', ({ data }) => serveTasks(data, (message) => postMessage(message)), { once: true });
