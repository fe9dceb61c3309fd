// How far each kernel is from what the machine can do, and where the time of a training goes: the machine's limits from
// WebAssembly are measured first, then the cases of bench/kernels, then every call of a kernel during a training on one
// thread.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { train } from '../../dist/index.js';
import { instantiateKernels } from '../../dist/kernels.js';
import { CASES, FIXED, FLOPS } from '../harness/costs.mjs';
import { loadMarkets, mergedSimilarity, mergeMarkets } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { median, processorSeconds } from '../harness/timer.mjs';
import { BenchMemory } from '../kernels/bench-memory.mjs';
import { dense } from '../kernels/dense.mjs';
import { gradients } from '../kernels/gradients.mjs';
import { groups } from '../kernels/groups.mjs';
import { networks } from '../kernels/networks.mjs';
import { scoring } from '../kernels/scoring.mjs';
import { sparse } from '../kernels/sparse.mjs';
import { walks } from '../kernels/walks.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';
import { prepare } from './kernels.mjs';

/** Where a working set may lie, and the bytes that are taken to measure it: the caches of common processors. */
const LEVELS = { L2: 256 * 1024, L3: 8 * 2 ** 20, memory: 256 * 2 ** 20 };
/** Epochs of the adaptation that are profiled: each does the same work. */
const EPOCHS = { paper: 2, default: 2 };
/** Kernels with less of a stage's time are summed up. */
const LEAST_SHARE = 0.01;

const kernelBytes = readFileSync(new URL('../../dist/kernels.wasm', import.meta.url));

export async function limits({ epochs, preset }) {
  show(`limits: ${describe(machine())}`);
  const machineLimits = await measureMachine();
  const blocks = machineBlocks(machineLimits);
  for (const block of blocks) show(block);
  const { name: data, markets } = await loadMarkets();

  const cases = await measureCases(data, markets, machineLimits);
  const caseBlocks = [
    `## Kernels compared with the limits\n\nThe cases of \`npm run bench -- kernels\` (data: ${data}), one thread, median. Flops and bytes are counted by hand (bench/harness/costs.mjs): bytes are those that the algorithm must move from where its working set lies; f64 flops count twice. The sweep’s arithmetic limit is that of 16-bit integers, in which most of it goes. The limit is the time that either the flops or the bytes need at the rates above, the share what of the measured time that is; a latency limit is that of dependent reads. Over 100 %: much is found in a nearer cache than the whole set is.`,
    table(
      ['kernel', 'size', 'GFLOP/s', 'GB/s', 'from', 'limit', 'share of it'],
      cases.map(({ kernel, size, gflops, gbytes, level, bound, share }) => [
        kernel,
        size,
        number(gflops),
        number(gbytes),
        level,
        bound,
        percent(share),
      ]),
      2,
    ),
  ];
  for (const block of caseBlocks) show(block);
  blocks.push(...caseBlocks);

  const profiles = [];
  for (const each of preset ? [preset] : ['paper', 'softmax']) {
    const used = epochs ?? EPOCHS[each];
    const stages = await profile(markets, { preset: each, epochs: used });
    profiles.push({ preset: each, epochs: used, stages });
    const block = profileBlock(each, used, stages, machineLimits);
    show(block);
    blocks.push(block);
    save('limits', 'Kernels compared with the machine’s limits', blocks, {
      data,
      limits: machineLimits,
      cases,
      profiles,
    });
  }
}

const number = (x) => (x === undefined ? '–' : x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2));
const percent = (x) => (x === undefined ? '–' : `${(100 * x).toFixed(0)} %`);

// --- the machine -------------------------------------------------------------------------------------------------

/**
 * @returns peak GFLOP/s of f32 and of 16-bit integers, GB/s and ns a dependent read by level, and NumPy's best product
 */
async function measureMachine() {
  const memory = new WebAssembly.Memory({ initial: 2 + LEVELS.memory / 65_536 });
  const { exports } = await WebAssembly.instantiate(new WebAssembly.Module(compileProbes()), { env: { memory } });
  const at = 1024;
  // pages that nothing was written to are all one page
  new Float32Array(memory.buffer).fill(0.5);
  const rounds = 100_000;
  const gflops = (64 * rounds) / fastest(() => exports.arithmetic(rounds, at)) / 1e9;
  const fixed = (128 * rounds) / fastest(() => exports.integers(rounds, at)) / 1e9;
  const levels = {};
  for (const [level, bytes] of Object.entries(LEVELS)) {
    const [x, y, z] = [0, 1, 2].map((i) => 65_536 + Math.floor((i * bytes) / 3 / 64) * 64);
    const third = y - x;
    const repeats = Math.max(1, Math.floor((4 * 2 ** 20) / bytes));
    const rate = (moved, run) =>
      (repeats * moved) /
      fastest(() => {
        for (let r = 0; r < repeats; r++) run();
      }) /
      1e9;
    levels[level] = {
      read: rate(3 * third, () => exports.sum(3 * third, x)),
      copy: rate(2 * third, () => exports.copy(third, x, y)),
      triad: rate(3 * third, () => exports.triad(third, 0.5, x, y, z)),
    };
    levels[level].best = Math.max(...Object.values(levels[level]));
    levels[level].nanoseconds = chaseTime(exports, memory, x, bytes);
    note(`${level}: ${Object.values(levels[level]).map(number).join(', ')}`);
  }
  const python = pythonWith('numpy');
  let numpy;
  if (python) {
    const { version, times } = await runPython(python, 'gemm.py', { sizes: [512], seconds: 1 }, 1);
    numpy = { version, gflops: (2 * 512 ** 3) / Math.min(...times[0]) / 1e9 };
  } else note('NumPy is not installed (Debian: python3-numpy): not compared with');
  return { gflops, fixed, levels, numpy };
}

/** bench/assembly/limits.ts, compiled now: no probe is in the package. */
function compileProbes() {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-limits-'));
  try {
    const out = join(folder, 'limits.wasm');
    const flags = [
      '--optimizeLevel',
      '3',
      '--noAssert',
      '--importMemory',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--use',
      'abort=',
    ];
    const { status, stderr } = spawnSync(
      process.execPath,
      ['node_modules/assemblyscript/bin/asc.js', 'bench/assembly/limits.ts', '--outFile', out, ...flags],
      { cwd: root, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`asc failed: ${stderr.trim()}`);
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Seconds of each run, the first two left out, until they come to `seconds`. */
function timesOf(run, seconds, reset = () => {}) {
  const times = [];
  for (let spent = 0; times.length < 7 || spent < seconds; ) {
    reset();
    const begin = processorSeconds();
    run();
    times.push(processorSeconds() - begin);
    spent += times.at(-1);
  }
  return times.slice(2);
}

/** Of the fastest run: a limit is what nothing disturbed. */
const fastest = (run) => Math.min(...timesOf(run, 0.5));

/** Nanoseconds of a read whose address the one before gave, over cache lines in a random cycle. */
function chaseTime({ chase }, memory, base, bytes) {
  const lines = bytes / 64;
  const order = Uint32Array.from({ length: lines }, (_, i) => i);
  let state = 1;
  // Sattolo's shuffle: one cycle through all lines
  for (let i = lines - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  const words = new Uint32Array(memory.buffer, base, bytes / 4);
  for (let i = 0; i < lines; i++) words[16 * i] = base + 64 * order[i];
  const steps = 4000;
  let at = base;
  const seconds = fastest(() => {
    at = chase(steps, at) >>> 0;
  });
  return (seconds / steps) * 1e9;
}

function machineBlocks({ gflops, fixed, levels, numpy }) {
  const rows = Object.entries(levels).map(([level, { read, copy, triad, nanoseconds }]) => [
    level,
    `${(LEVELS[level] / 2 ** 20).toFixed(2)} MB`,
    ...[read, copy, triad].map(number),
    number(nanoseconds),
  ]);
  return [
    `Limits of one thread from WebAssembly, the fastest run of half a second each, all times processor time. Products and sums of f32 without a fused instruction, factors in the first-level cache: ${number(gflops)} GFLOP/s; of 16-bit integers, in 32-bit sums: ${number(fixed)} G/s.${numpy ? ` The best product of 512 × 512 of NumPy ${numpy.version}, which may fuse and use wider registers: ${number(numpy.gflops)} GFLOP/s.` : ''} Bytes a second, and the time of a read whose address the read before gave:`,
    table(['working set', 'size', 'read, GB/s', 'copy, GB/s', 'triad, GB/s', 'dependent read, ns'], rows, 1),
  ];
}

/** The arithmetic limit of kernels that work together, in 1e9 operations a second. */
const peakOf = (kernels, { gflops, fixed }) => (kernels.some((kernel) => FIXED.has(kernel)) ? fixed : gflops);

// --- kernels -----------------------------------------------------------------------------------------------------

const levelOf = (bytes) => (bytes <= 2 * LEVELS.L2 ? 'L2' : bytes <= 4 * LEVELS.L3 ? 'L3' : 'memory');

async function measureCases(name, markets, machineLimits) {
  const { levels } = machineLimits;
  const merged = mergeMarkets(markets);
  const similarity = await mergedSimilarity(name, merged);
  const { exports, memory } = await instantiateKernels(kernelBytes);
  const context = prepare(exports, new BenchMemory(memory), merged.markets[0].interactions, similarity);
  const rows = [];
  for (const group of [dense, sparse, groups, walks, gradients, networks, scoring]) {
    for (const make of group(context)) {
      const mark = memory.mark();
      const { kernels, size, work, wasm, reset = [] } = make();
      const cost = CASES[kernels[0]]?.(work, size.replaceAll(',', '').match(/\d+/g).map(Number), context);
      if (cost) {
        const initial = reset.map((pair) => pair.js.slice());
        const back = () => {
          for (const [i, pair] of reset.entries()) context.bench.restore(pair, initial[i], 'wasm');
        };
        const seconds = median(timesOf(wasm, 0.2, back));
        const level = levelOf(cost.set);
        const times = {
          arithmetic: (cost.flops ?? 0) / peakOf(kernels, machineLimits) / 1e9,
          bandwidth: cost.bytes / levels[level].best / 1e9,
          latency: ((cost.reads ?? 0) * levels[level].nanoseconds) / 1e9,
        };
        const [bound, limit] = Object.entries(times).reduce((a, b) => (b[1] > a[1] ? b : a));
        const row = {
          kernel: kernels.join(' + '),
          size,
          gflops: cost.flops && cost.flops / seconds / 1e9,
          gbytes: cost.bytes / seconds / 1e9,
          level,
          bound,
          share: limit / seconds,
        };
        rows.push(row);
        note(`${row.kernel}, ${size}: ${percent(row.share)} of ${bound}`);
      }
      memory.release(mark);
    }
  }
  return rows;
}

// --- a training --------------------------------------------------------------------------------------------------

/** Trains on one thread and counts calls, seconds and flops of every kernel, by stage. */
async function profile(markets, options) {
  const stages = [];
  let counts = new Map();
  let began = processorSeconds();
  const original = WebAssembly.instantiate;
  // the one place where the package takes an instance from its host
  WebAssembly.instantiate = async (module, imports) => {
    const { exports } = await original.call(WebAssembly, module, imports);
    const wrapped = {};
    for (const [name, kernel] of Object.entries(exports))
      wrapped[name] = typeof kernel === 'function' ? timed(name, kernel, imports.env.memory, exports) : kernel;
    return { exports: wrapped };
  };
  const timed =
    (name, kernel, memory, exports) =>
    (...args) => {
      const flops = FLOPS[name]?.(args, memory, exports) ?? Number.NaN;
      const begin = processorSeconds();
      const result = kernel(...args);
      const seconds = processorSeconds() - begin;
      let entry = counts.get(name);
      if (!entry) {
        entry = { calls: 0, seconds: 0, flops: 0 };
        counts.set(name, entry);
      }
      entry.calls++;
      entry.seconds += seconds;
      entry.flops += flops;
      return result;
    };
  const onStage = ({ stage }) => {
    const now = processorSeconds();
    const kernels = [...counts]
      .map(([kernel, entry]) => ({ kernel, ...entry, flops: Number.isNaN(entry.flops) ? undefined : entry.flops }))
      .sort((a, b) => b.seconds - a.seconds);
    stages.push({ stage, seconds: now - began, kernels });
    note(`${options.preset}, ${stage}: ${(now - began).toFixed(2)} s`);
    counts = new Map();
    began = now;
  };
  try {
    await train(markets, { ...options, threads: 1, kernels: new WebAssembly.Module(kernelBytes), onStage });
  } finally {
    WebAssembly.instantiate = original;
  }
  return stages;
}

function profileBlock(preset, epochs, stages, machineLimits) {
  const rows = [];
  const row = (stage, kernel, calls, seconds, of, flops) => {
    const rate = flops === undefined ? undefined : flops / seconds / 1e9;
    rows.push([
      stage,
      kernel,
      calls === undefined ? '–' : calls.toLocaleString('en-US'),
      seconds.toFixed(2),
      percent(seconds / of),
      number(rate),
      percent(rate && rate / peakOf([kernel], machineLimits)),
    ]);
  };
  for (const { stage, seconds, kernels } of stages) {
    const shown = kernels.filter((each) => each.seconds >= LEAST_SHARE * seconds);
    for (const { kernel, calls, seconds: own, flops } of shown) row(stage, kernel, calls, own, seconds, flops);
    const few = kernels.filter((each) => !shown.includes(each));
    if (few.length > 0)
      row(
        stage,
        'other kernels',
        few.reduce((sum, each) => sum + each.calls, 0),
        few.reduce((sum, each) => sum + each.seconds, 0),
        seconds,
      );
    row(
      stage,
      'JavaScript and the rest',
      undefined,
      seconds - kernels.reduce((sum, each) => sum + each.seconds, 0),
      seconds,
    );
    row(stage, 'all', undefined, seconds, seconds);
  }
  return `## Where the time goes: preset ${preset}, ${epochs} epochs\n\nOne thread; processor time of every call. A stage starts where the one before ended. GFLOP/s where the flops are counted; the last column is their share of the arithmetic limit.\n\n${table(['stage', 'kernel', 'calls', 'seconds', 'of the stage', 'GFLOP/s', 'of the limit'], rows, 2)}`;
}
