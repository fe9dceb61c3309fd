// f32 matrix products of tfjs on its WASM backend, in a process of its own: { sizes, seconds } → { version, times:
// [[processor seconds a product]] }
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { processorSeconds } from '../harness/timer.mjs';

process.once('message', async ({ sizes, seconds }) => {
  setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  const times = [];
  for (const n of sizes) {
    const a = tf.randomUniform([n, n]);
    const b = tf.randomUniform([n, n]);
    const product = () => {
      const begin = processorSeconds();
      const c = tf.matMul(a, b);
      c.dataSync();
      c.dispose();
      return processorSeconds() - begin;
    };
    product();
    const runs = [];
    const start = performance.now();
    while (runs.length < 3 || performance.now() - start < 1000 * seconds) runs.push(product());
    times.push(runs);
    a.dispose();
    b.dispose();
  }
  process.send({ version: tf.version_core, times }, () => process.exit());
});
