// A worker thread of a pool in Node.
import { parentPort } from 'node:worker_threads';
import { serveTasks } from '../threads/worker-loop.ts';

const port = parentPort!;
port.once('message', (data) => serveTasks(data, (message) => port.postMessage(message)));
