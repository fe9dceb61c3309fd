// What a result was measured on, and with which build.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

const root = new URL('../..', import.meta.url);

/** Processor, cores, memory, load before the run, Node, date and commit of this run. */
export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    load: loadavg()[0].toFixed(1),
    node: process.version,
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: commit(),
  };
}

/**
 * A short name for machines whose figures can be compared: processor, cores, widest SIMD units. M3REC_MACHINE replaces
 * it, for instance where the processor's own name says too little, or where a peer was set up in another way
 * (`…-haswell`).
 */
export function machineName() {
  const given = process.env.M3REC_MACHINE;
  if (given) return given;
  const processor = (cpus()[0]?.model ?? 'unknown')
    .replace(/\(R\)|\(TM\)|CPU|Processor|@.*/gi, '')
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return [processor, availableParallelism(), ...simd()].join('-');
}

/** Where the system says so (Linux). */
function simd() {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' ') ?? [];
    const widest = ['avx512f', 'avx2', 'avx'].find((flag) => flags.includes(flag));
    return widest ? [widest.replace(/f$/, '')] : [];
  } catch {
    return [];
  }
}

export const describe = (m) =>
  `${m.cpu}, ${m.cores} cores, ${m.memory} memory, load ${m.load}, Node ${m.node}; ${m.date} UTC, commit ${m.commit}`;

function commit() {
  try {
    const git = (...args) =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!bench/results') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}

/** Hash of the built package, so that a cached result never outlives the code that made it. */
export function buildHash() {
  const dist = new URL('dist/', root);
  const files = [
    'kernels.wasm',
    'index.js',
    ...readdirSync(new URL('chunks/', dist))
      .sort()
      .map((name) => `chunks/${name}`),
  ];
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(new URL(file, dist)));
  return hash.digest('hex').slice(0, 16);
}
