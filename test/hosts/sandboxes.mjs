// The contract in edge runtimes, and the kernels by themselves in Wasmtime.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './command.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Where wasmtime/kernels.ts leaves what it computed. */
const OUTPUT = 4 << 20;

/** A real workerd with the contract as its worker. */
export async function workerd(inputs, seconds) {
  const child = spawn(program('workerd'), ['serve', join(inputs, 'workerd/config.capnp'), '--control-fd=3'], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  try {
    const port = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`workerd does not listen after ${seconds} s`)), 1000 * seconds);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`workerd ended with exit code ${code}`)));
      child.stdio[3].on('data', (text) => {
        for (const line of String(text).trim().split('\n')) {
          const { event, port: found } = JSON.parse(line);
          if (event !== 'listen') continue;
          clearTimeout(timer);
          resolve(found);
        }
      });
    });
    const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1000 * seconds) });
    return await response.json();
  } finally {
    child.kill();
  }
}

/** Vercel's edge-runtime: a context of its own, to which a module of this one is handed in. */
export async function edgeRuntime(inputs) {
  const { EdgeRuntime } = createRequire(import.meta.url)('edge-runtime');
  const given = {
    model: new Uint8Array(readFileSync(join(inputs, 'model.m3rec'))),
    run: readFileSync(join(inputs, 'run.tsv'), 'utf8'),
    kernels: await WebAssembly.compile(readFileSync(join(root, 'dist/kernels.wasm'))),
  };
  const runtime = new EdgeRuntime({ initialCode: readFileSync(join(inputs, 'edge.js'), 'utf8'), extend: (context) => Object.assign(context, { inputs: given }) });
  const response = await runtime.dispatchFetch('http://localhost/');
  return response.json();
}

/** The kernels in Wasmtime, which runs them and writes their memory into a module, beside the same in this engine. */
export async function wasmtime(inputs, seconds) {
  const compiled = join(inputs, 'alone.wasm');
  const ran = join(inputs, 'alone-ran.wasm');
  const flags = ['--config', 'none', '-O3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--use', 'abort=', '--initialMemory', '128'];
  await command(process.execPath, [join(root, 'node_modules/assemblyscript/bin/asc.js'), 'test/hosts/wasmtime/kernels.ts', ...flags, '-o', compiled], { cwd: root, seconds });
  await command(program('wizer'), [compiled, '-o', ran, '--init-func', 'run'], { seconds });
  return { digests: { 'kernels alone': await outputs(ran, false) }, expected: { 'kernels alone': await outputs(compiled, true) } };
}

async function outputs(file, run) {
  const { instance } = await WebAssembly.instantiate(readFileSync(file));
  if (run) instance.exports.run();
  return createHash('sha256').update(new Uint8Array(instance.exports.memory.buffer, OUTPUT)).digest('hex');
}

/** A program of an installed package. */
export const program = (name) => fileURLToPath(new URL(`node_modules/.bin/${name}`, import.meta.url));
