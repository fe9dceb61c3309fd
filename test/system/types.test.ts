// The declarations of the packed package under an older TypeScript, in every way of finding modules, with and without
// the DOM's types.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const api = join(root, 'docs/api');
const compiler = join(api, 'node_modules/typescript/bin/tsc');
const folder = mkdtempSync(join(tmpdir(), 'm3rec-types-'));
const windows = process.platform === 'win32';
const npm = (args: string[], cwd: string) =>
  execFileSync(windows ? 'npm.cmd' : 'npm', args, { cwd, shell: windows, stdio: ['ignore', 'ignore', 'inherit'] });

beforeAll(() => {
  if (!existsSync(compiler)) npm(['ci', '--no-audit', '--no-fund', '--silent'], api);
  npm(['pack', '--silent', '--pack-destination', folder], root);
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'))!;
  writeFileSync(join(folder, 'package.json'), '{ "name": "shop", "private": true, "type": "module" }');
  npm(['install', '--offline', '--no-audit', '--no-fund', '--silent', `./${tarball}`], folder);
  mkdirSync(join(folder, 'node_modules/@types'));
  for (const name of ['@types/node', 'undici-types'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
  writeFileSync(
    join(folder, 'use.ts'),
    `import { init, loadModel, train, type Markets, type Recommendations } from 'm3rec';
import { openModelStore } from 'm3rec/browser';
import { bindKernels, type KernelArgument } from 'm3rec/kernels';
import kernels from 'm3rec/kernels.wasm';
import { readDirectory } from 'm3rec/node';
import { webWorkers } from 'm3rec/workers';
export async function use(bytes: Uint8Array, argument: KernelArgument): Promise<Recommendations> {
  const markets: Markets = await readDirectory('shop');
  await train(markets, { preset: 'paper', signal: new AbortController().signal, workers: webWorkers() });
  (await bindKernels(bytes as Uint8Array<ArrayBuffer>)).addInto(4, argument as Float32Array<ArrayBuffer>, new Float32Array(4));
  await openModelStore();
  await init(kernels);
  // @ts-expect-error: there is no such option
  await train(markets, { epoch: 1 });
  // @ts-expect-error: neither a user nor items
  (await loadModel(bytes)).recommend({ market: 'de' });
  return (await loadModel(bytes)).recommend({ market: 'de', items: ['a'], k: 3 });
}`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['node16', 'node16', true],
  ['node16', 'node16', false],
  ['esnext', 'bundler', true],
  ['esnext', 'bundler', false],
  ['esnext', 'node10', true],
  ['commonjs', 'node10', false],
])('module %s, resolution %s, DOM %s', (module, resolution, dom) => {
  const args = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022', '--types', 'node'];
  args.push('--module', module, '--moduleResolution', resolution, '--lib', dom ? 'es2022,dom' : 'es2022');
  let output = '';
  try {
    execFileSync(process.execPath, [compiler, ...args, 'use.ts'], { cwd: folder, encoding: 'utf8' });
  } catch (error) {
    output = (error as { stdout: string }).stdout;
  }
  expect(output).toBe('');
});
