// Our f32 matrix product on one thread beside NumPy's (OpenBLAS) and that of tfjs's WASM backend. The sides take turns, ROUNDS times.
import { fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { instantiateKernels } from '../dist/kernels.js';
import { describe, machine } from './machine.mjs';
import { pythonWith, runPython } from './peers/python.mjs';
import { note, save, show, table } from './report.mjs';
import { median } from './timer.mjs';

const SIZES = [256, 512, 1024, 2048];
const ROUNDS = 3;
const SECONDS = 0.5;

export async function gemm() {
  const python = pythonWith('numpy');
  const hasTfjs = existsSync(new URL('peers/node_modules/@tensorflow', import.meta.url));
  if (!python) note('NumPy is not installed (Debian: python3-numpy): not compared with');
  if (!hasTfjs) note('tfjs is not installed (npm ci --prefix bench/peers): not compared with');
  const kernels = await instantiateKernels(readFileSync(new URL('../dist/kernels.wasm', import.meta.url)));
  const sides = { m3rec: { run: () => ours(kernels) } };
  if (python) sides.NumPy = { run: () => runPython(python, 'gemm.py', { sizes: SIZES, seconds: SECONDS }, 1) };
  if (hasTfjs) sides.tfjs = { run: tfjs };
  for (const side of Object.values(sides)) side.times = SIZES.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, side] of Object.entries(sides)) {
      const { times, ...about } = await side.run();
      side.about = about;
      for (const [i, runs] of times.entries()) side.times[i].push(...runs);
      note(`round ${round + 1}, ${name}: ${times.map((runs, i) => rate(SIZES[i], median(runs)).toFixed(1)).join(', ')} GFLOP/s`);
    }
  }
  const rates = Object.fromEntries(Object.entries(sides).map(([name, { times }]) => [name, times.map((runs, i) => rate(SIZES[i], median(runs)))]));
  const peers = Object.keys(sides).slice(1);
  const rows = SIZES.map((n, i) => [n, ...Object.values(rates).map((list) => list[i].toFixed(1)), ...peers.map((peer) => (rates.m3rec[i] / rates[peer][i]).toFixed(2))]);
  const versions = peers.map((peer) => `${peer} ${sides[peer].about.version}${sides[peer].about.blas?.length ? ` (${sides[peer].about.blas.join(', ')})` : ''}`).join(', ');
  const blocks = [
    `C = A B of n × n, f32, one thread each; the median of all products of ${ROUNDS} rounds in which the sides took turns.${versions ? ` Beside ${versions}.` : ''}`,
    table(['n', ...Object.keys(sides).map((name) => `${name}, GFLOP/s`), ...peers.map((peer) => `m3rec / ${peer}`)], rows, 0),
  ];
  show(`gemm: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('gemm', 'Matrix product beside NumPy and tfjs', blocks, { sizes: SIZES, rates, peers: Object.fromEntries(peers.map((peer) => [peer, sides[peer].about])) });
}

const rate = (n, seconds) => (2 * n ** 3) / seconds / 1e9;

function ours({ exports, memory }) {
  const times = SIZES.map((n) => {
    const mark = memory.mark();
    const [a, b] = [1, 2].map((seed) => {
      const address = memory.allocate(4 * n * n);
      exports.fillUniform(address, n * n, 0.5, seed, 0, 0);
      return address;
    });
    const c = memory.allocate(4 * n * n);
    const workspace = memory.allocate(exports.gemmWorkspaceBytes());
    const product = () => {
      const begin = performance.now();
      memory.u8(c, 4 * n * n).fill(0); // the kernel adds to C
      exports.gemmNN(n, n, n, 1, a, n, b, n, c, n, workspace);
      return (performance.now() - begin) / 1000;
    };
    product();
    const runs = [];
    const start = performance.now();
    while (runs.length < 3 || performance.now() - start < 1000 * SECONDS) runs.push(product());
    memory.release(mark);
    return runs;
  });
  return { times };
}

function tfjs() {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('peers/tfjs.mjs', import.meta.url));
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code) => code !== 0 && reject(new Error(`tfjs.mjs ended with exit code ${code}`)));
    child.send({ sizes: SIZES, seconds: SECONDS });
  });
}
