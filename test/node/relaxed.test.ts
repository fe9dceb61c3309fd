// Relaxed SIMD only where it is asked for; where it is, a model that is close to the default one; where the host has
// none, one line.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ArgumentError, decodeModel, generateMarkets } from '../../src/index.ts';
import { relaxedKernels, writeDirectory } from '../../src/node/files.ts';

/** Unit vectors and similarities after two epochs, when each sum of products is rounded once instead of twice. */
const TOLERANCE = 1e-4;

const dist = (name: string) => fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'm3rec-relaxed-'));
const data = join(folder, 'data');
/** Node 20 compiles relaxed SIMD if told to. */
const compiles = WebAssembly.validate(readFileSync(dist('kernels-relaxed.wasm')));
const FLAGS = compiles ? [] : ['--experimental-wasm-relaxed-simd'];

beforeAll(() => writeDirectory(data, generateMarkets({ users: 200, items: 250, interactions: 1800, seed: 3 })));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function train(flags: string[], file: string, ...more: string[]): Promise<{ code: number; stderr: string }> {
  const args = [
    ...flags,
    dist('cli.js'),
    'train',
    data,
    '-o',
    file,
    '--dim',
    '32',
    '--walks',
    '3',
    '--walk-length',
    '10',
    '--epochs',
    '2',
    ...more,
  ];
  return new Promise((resolve) =>
    execFile(process.execPath, args, (error, _, stderr) => resolve({ code: error ? Number(error.code) : 0, stderr })),
  );
}

test('the default kernels have none of it, those for it have', () => {
  for (const name of ['kernels', 'kernels-threads'])
    expect(readFileSync(dist(`${name}.wat`), 'utf8')).not.toContain('relaxed');
  // f32x4.relaxed_madd: prefix 0xfd, opcode 0x105 as LEB128
  for (const name of ['kernels-relaxed', 'kernels-threads-relaxed'])
    expect(readFileSync(dist(`${name}.wasm`)).includes(Buffer.of(0xfd, 0x85, 0x02)), name).toBe(true);
});

test.skipIf(compiles)(
  'a Node without it is told what to do, before anything is read (this Node has it where the test is skipped)',
  async () => {
    const error = await relaxedKernels().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toBe(
      `relaxed SIMD: Node ${process.version} does not have it; run Node 22 or later, or Node 20 with --experimental-wasm-relaxed-simd`,
    );
    const file = join(folder, 'none.m3rec');
    expect(await train([], file, '--relaxed')).toEqual({ code: 2, stderr: `m3rec: ${error.message}\n` });
    expect(existsSync(file)).toBe(false);
  },
);

test.each(['paper', 'softmax'])(
  'preset %s trains to about the same model, on one thread and on two',
  { timeout: 120_000 },
  async (preset) => {
    const file = (name: string) => join(folder, `${preset}-${name}.m3rec`);
    const runs = [
      ['plain'],
      ['relaxed-1', '--relaxed', '--threads', '1'],
      ['relaxed-2', '--relaxed', '--threads', '2'],
    ];
    for (const [name, ...args] of runs) {
      const { code, stderr } = await train(FLAGS, file(name), '--preset', preset, ...args);
      expect(code, stderr).toBe(0);
    }
    const plain = decodeModel(readFileSync(file('plain')));
    for (const [name] of runs.slice(1)) {
      const relaxed = decodeModel(readFileSync(file(name)));
      expect(relaxed.items).toEqual(plain.items);
      for (const [m, market] of plain.markets.entries()) {
        const other = relaxed.markets[m];
        expect(
          largestDifference(other.vectors as Float32Array, market.vectors as Float32Array),
          `${name}, vectors of ${market.name}`,
        ).toBeLessThanOrEqual(TOLERANCE);
        if (market.linear)
          expect(
            largestDifference(other.linear!.values as Float32Array, market.linear.values as Float32Array),
            `${name}, similarities of ${market.name}`,
          ).toBeLessThanOrEqual(TOLERANCE);
      }
    }
  },
);

function largestDifference(found: Float32Array, expected: Float32Array): number {
  expect(found.length).toBe(expected.length);
  return found.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i])), 0);
}
