// The contract in edge runtimes, and the kernels by themselves in Wasmtime.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './command.mjs';
import { KERNELS_ALONE } from './contract.mjs';
import { addDriver } from './kernel-driver.mjs';
import { kernelScript, readOutputs } from './kernel-script.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A real workerd with the contract as its worker. */
export async function workerd(inputs, seconds) {
  const child = spawn(program('workerd'), ['serve', join(inputs, 'workerd/config.capnp'), '--control-fd=3'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
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

/**
 * Vercel's edge-runtime: a context of its own, which may compile nothing, and to which a module of this one is handed
 * in.
 */
export async function edgeRuntime(inputs) {
  const { EdgeRuntime } = createRequire(import.meta.url)('edge-runtime');
  const given = {
    model: new Uint8Array(readFileSync(join(inputs, 'model.m3rec'))),
    run: readFileSync(join(inputs, 'run.tsv'), 'utf8'),
    kernels: await WebAssembly.compile(kernelBytes()),
  };
  const runtime = new EdgeRuntime({
    initialCode: readFileSync(join(inputs, 'edge.js'), 'utf8'),
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { inputs: given }),
  });
  if (runtime.evaluate('inputs.kernels instanceof WebAssembly.Module'))
    throw new Error('the module is of this realm: nothing is shown');
  if (
    await runtime.evaluate(
      'WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)).then(() => true, () => false)',
    )
  )
    throw new Error('this runtime compiles: nothing is shown');
  const response = await runtime.dispatchFetch('http://localhost/');
  return response.json();
}

/**
 * The kernels in Wasmtime, which runs the contract's calls of them and writes their memory into a module; it is read
 * back here.
 */
export async function wasmtime(inputs, seconds) {
  const script = kernelScript();
  const [driven, ran] = ['driven.wasm', 'ran.wasm'].map((name) => join(inputs, name));
  writeFileSync(driven, addDriver(kernelBytes(), script));
  await command(program('wizer'), [driven, '-o', ran, '--init-func', 'run'], { seconds });
  const { instance } = await WebAssembly.instantiate(readFileSync(ran));
  const outputs = readOutputs(script, instance.exports.memory.buffer);
  return { digests: { [KERNELS_ALONE]: createHash('sha256').update(outputs).digest('hex') } };
}

const kernelBytes = () => new Uint8Array(readFileSync(join(root, 'dist/kernels.wasm')));

/** A program of an installed package. */
export const program = (name) => fileURLToPath(new URL(`node_modules/.bin/${name}`, import.meta.url));
