// What lets an engine without JavaScript take part in `npm run hosts`: kernels.wasm with a function that makes the
// script's calls.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LinearMemory } from '../../src/engine/memory.ts';
import { addDriver } from '../hosts/kernel-driver.mjs';
import { kernelScript, readOutputs, runKernelScript } from '../hosts/kernel-script.mjs';
import { rawKernels } from '../support/reference.ts';

const wasm = new Uint8Array(readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)));

test('the driver makes the calls of the script, with the kernels as they are', async () => {
  const script = kernelScript();
  const driven = addDriver(wasm, script);
  const { exports } = (await WebAssembly.instantiate(driven)).instance as unknown as {
    exports: { run(): void; memory: WebAssembly.Memory };
  };
  exports.run();
  expect(readOutputs(script, exports.memory.buffer)).toEqual(runKernelScript(await rawKernels()));
  // The arguments arrive as they are written: exact doubles, in their order. exp is clamped beyond ±700.
  const view = new DataView(exports.memory.buffer);
  for (const { kernel, args, result } of script.calls) {
    if (!['exp', 'log', 'pow'].includes(kernel) || (kernel === 'exp' && Math.abs(args[0]) > 700)) continue;
    const expected = (Math[kernel as 'pow'] as (...numbers: number[]) => number)(...args);
    expect(Math.abs(view.getFloat64(result!.address, true) - expected), `${kernel}(${args})`).toBeLessThanOrEqual(
      1e-12 * Math.abs(expected),
    );
  }
  // The code of every kernel is in there, byte for byte.
  expect(Buffer.from(driven).includes(Buffer.from(wasm.subarray(-20_000)))).toBe(true);
});

test('outputs do not depend on where they are, and the memory is given back', async () => {
  const kernels = await rawKernels();
  const low = runKernelScript(kernels);
  kernels.memory.u8(kernels.memory.allocate(100_000), 100_000).fill(255);
  const { used } = kernels.memory;
  expect(runKernelScript(kernels)).toEqual(low);
  expect(kernels.memory.used).toBe(used);
  expect(new LinearMemory().used).toBe(kernelScript().base);
});

test('a script that does not fit the kernels is refused', () => {
  const script = kernelScript();
  const refused = (call: object) =>
    expect(() => addDriver(wasm, { ...script, calls: [call as (typeof script.calls)[number]] }));
  refused({ kernel: 'nothing', args: [] }).toThrow('no function nothing');
  refused({ kernel: 'exp', args: [1, 2], result: { type: 'f64', address: 64 } }).toThrow('exp takes f64');
  refused({ kernel: 'exp', args: [1], result: { type: 'f32', address: 64 } }).toThrow('expects f32');
});
