// Our f32 matrix product on one thread compared with NumPy's (OpenBLAS) and that of tfjs's WASM backend. The sides take
// turns, ROUNDS times.
import { fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { instantiateKernels } from '../../dist/kernels.js';
import { describe, machine } from '../harness/machine.mjs';
import { newestNode } from '../harness/newest-node.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { median } from '../harness/timer.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';
import { products } from '../processes/products.mjs';

const SIZES = [256, 512, 1024, 2048];
const ROUNDS = 7;
const SECONDS = 0.25;

export async function gemm() {
  const python = pythonWith('numpy');
  const hasTfjs = existsSync(new URL('peers/node_modules/@tensorflow', import.meta.url));
  if (!python) note('NumPy is not installed (Debian: python3-numpy): not compared with');
  if (!hasTfjs) note('tfjs is not installed (npm ci --prefix bench/peers): not compared with');
  const kernels = await instantiateKernels(readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)));
  const sides = { m3rec: { run: () => ({ times: products(kernels, SIZES, SECONDS) }) } };
  const relaxed = fileURLToPath(new URL('../../dist/kernels-relaxed.wasm', import.meta.url));
  const newest = newestNode();
  sides.relaxed = {
    run: () =>
      child(
        new URL('../processes/products.mjs', import.meta.url),
        { kernels: relaxed, sizes: SIZES, seconds: SECONDS },
        newest,
      ),
  };
  if (python) sides.NumPy = { run: () => runPython(python, 'gemm.py', { sizes: SIZES, seconds: SECONDS }, 1) };
  if (hasTfjs)
    sides.tfjs = {
      run: () => child(new URL('../peers/tfjs.mjs', import.meta.url), { sizes: SIZES, seconds: SECONDS }),
    };
  for (const side of Object.values(sides)) side.times = SIZES.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, side] of Object.entries(sides)) {
      const { times, ...about } = await side.run();
      side.about = about;
      for (const [i, runs] of times.entries()) side.times[i].push(...runs);
      note(
        `round ${round + 1}, ${name}: ${times.map((runs, i) => rate(SIZES[i], median(runs)).toFixed(1)).join(', ')} GFLOP/s`,
      );
    }
  }
  const peers = Object.keys(sides).slice(2);
  const by = (pick) =>
    Object.fromEntries(
      Object.entries(sides).map(([name, { times }]) => [name, times.map((runs, i) => rate(SIZES[i], pick(runs)))]),
    );
  const fastest = by((runs) => Math.min(...runs));
  const medians = by(median);
  const compared = (rates) => {
    const ratios = peers.flatMap((peer) =>
      ['m3rec', 'relaxed'].map((own) => ({
        name: `${own} / ${peer}`,
        values: SIZES.map((_, i) => rates[own][i] / rates[peer][i]),
      })),
    );
    const rows = SIZES.map((n, i) => [
      n,
      ...Object.values(rates).map((list) => list[i].toFixed(1)),
      ...ratios.map(({ values }) => values[i].toFixed(2)),
    ]);
    return table(
      ['n', ...Object.keys(sides).map((name) => `${name}, GFLOP/s`), ...ratios.map(({ name }) => name)],
      rows,
      0,
    );
  };
  const versions = peers.map((peer) => `${peer} ${sides[peer].about.version}`).join(', ');
  const blocks = [
    `C = A B of n × n, f32, one thread each; processor time of ${ROUNDS} rounds in which the sides took turns.${versions ? ` Beside ${versions}.` : ''} relaxed: the kernels with relaxed SIMD in Node ${sides.relaxed.about.version}.`,
    `Each side's fastest product, which whoever else uses the machine's cores disturbs least:\n\n${compared(fastest)}`,
    `The median product:\n\n${compared(medians)}`,
  ];
  show(`gemm: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('gemm', 'Matrix product compared with NumPy and tfjs', blocks, {
    sizes: SIZES,
    fastest,
    medians,
    peers: Object.fromEntries(peers.map((peer) => [peer, sides[peer].about])),
  });
}

const rate = (n, seconds) => (2 * n ** 3) / seconds / 1e9;

/** What a script makes of a message, in a process of its own; `node`: another Node, and its options. */
function child(script, message, node = {}) {
  return new Promise((resolve, reject) => {
    const started = fork(script, node);
    started.once('message', resolve);
    started.once('error', reject);
    started.once('exit', (code) => code !== 0 && reject(new Error(`${script.pathname} ended with exit code ${code}`)));
    started.send(message);
  });
}
