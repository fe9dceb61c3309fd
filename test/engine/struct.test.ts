// Structs in linear memory: the host's layouts against the compiler's offsets, and what is written against what is
// read.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { expect, test } from 'vitest';
import { NOWHERE } from '../../src/engine/address.ts';
import * as layout from '../../src/engine/kernel-layout.ts';
import { LinearMemory } from '../../src/engine/memory.ts';
import { type AnyLayout, putStruct, putStructs, readStructs, structAt, writeStruct } from '../../src/engine/struct.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const sources = readdirSync(join(root, 'assembly'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const layouts = Object.values(layout).filter(
  (value): value is AnyLayout => typeof value === 'object' && 'write' in value,
);

/** Name of a struct and the file it is declared in. */
const declared = sources.flatMap((file) =>
  Array.from(
    readFileSync(join(root, 'assembly', file), 'utf8').matchAll(/^export class (\w+) extends Struct/gm),
    ([, name]) => ({
      name,
      file: file.replaceAll('\\', '/').replace(/\.ts$/, ''),
    }),
  ),
);

test('every struct of the kernels lies on the host as the compiler lays it out', async () => {
  expect(layouts.length).toBeGreaterThan(10);
  expect(layouts.map(({ name }) => name).sort()).toEqual(declared.map(({ name }) => name).sort());
  // a module of constants: each offset, and what a struct takes
  const probe = declared.flatMap(({ name, file }, i) => [
    `import { ${name} as S${i} } from './assembly/${file}';`,
    `export const ${name}: i32 = <i32>offsetof<S${i}>();`,
    ...layout.STRUCT_FIELDS[name].map(
      (field) => `export const ${name}_${field}: i32 = <i32>offsetof<S${i}>('${field}');`,
    ),
  ]);
  let wasm = new Uint8Array();
  const { error, stderr } = await asc.main(
    [
      'probe.ts',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--outFile',
      'probe.wasm',
      '--baseDir',
      root,
      '--config',
      'none.json',
    ],
    {
      readFile: (name) => {
        if (name === 'probe.ts') return probe.join('\n');
        try {
          return readFileSync(join(root, name), 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (_, contents) => {
        if (typeof contents !== 'string') wasm = Uint8Array.from(contents);
      },
      listFiles: () => [],
    },
  );
  expect(error, stderr.toString()).toBe(null);
  const { instance } = (await WebAssembly.instantiate(wasm, {
    env: { abort: () => {} },
  })) as unknown as WebAssembly.WebAssemblyInstantiatedSource;
  const offsets = Object.fromEntries(
    Object.entries(instance.exports).flatMap(([name, value]) =>
      value instanceof WebAssembly.Global ? [[name, value.value]] : [],
    ),
  );
  for (const { name, bytes } of layouts) {
    expect(bytes, name).toBe(offsets[name]);
    for (const [i, field] of layout.STRUCT_FIELDS[name].entries())
      expect(4 * i, `${name}.${field}`).toBe(offsets[`${name}_${field}`]);
  }
});

test('what is written is read again: integers of either sign, floats as f32, an array of structs', () => {
  const memory = new LinearMemory();
  const choice = (only: number) => ({ items: NOWHERE, only, without: 7 });
  const choices = putStructs(memory, layout.Choice, [choice(-1), choice(0), choice(0x7fffffff)]);
  expect(readStructs(memory, layout.Choice, choices, 3)).toEqual([choice(-1), choice(0), choice(0x7fffffff)]);
  writeStruct(memory, layout.Choice, structAt(layout.Choice, choices, 1), choice(5));
  expect(readStructs(memory, layout.Choice, choices, 3).map(({ only }) => only)).toEqual([-1, 5, 0x7fffffff]);
  const adam = putStruct(memory, layout.Adam, { rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  expect(readStructs(memory, layout.Adam, adam, 1)).toEqual([
    { rate: Math.fround(0.1), beta1: Math.fround(0.9), beta2: Math.fround(0.999), epsilon: Math.fround(1e-8) },
  ]);
});
