// Whether a released as-bind could take the place of bindKernels: `node docs/decisions/proofs/as-bind.mjs`. It installs the newest
// one from the registry in a folder of its own, beside the compiler that this repository uses. Not part of the tests; run it
// when as-bind or assemblyscript has a new version. Exit status 0: decision 02 stands; 1: as-bind passes, think again.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { devDependencies } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
const kernels = new URL('../../../dist/kernels.wasm', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'as-bind-'));
const run = (program, ...args) => {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', shell: false });
  return { status, text: `${stdout}${stderr}` };
};
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const lastLines = (text) => text.trim().split('\n').slice(-3).join('\n    ');
/** The line that names the error. */
const errorOf = (text) =>
  text
    .split('\n')
    .find((line) => /ERR_|Error/.test(line))
    ?.trim() ?? lastLines(text);

try {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const versions = ['assemblyscript', '@assemblyscript/loader'].map((name) => `${name}@${devDependencies[name]}`);
  // its peer dependency is an older compiler
  const install = ['install', '--no-audit', '--no-fund', '--legacy-peer-deps', '--ignore-scripts'];
  const installed = run(npm, ...install, 'as-bind', ...versions);
  if (installed.status !== 0) throw new Error(`npm could not install as-bind: ${lastLines(installed.text)}`);
  const { version, peerDependencies } = JSON.parse(
    readFileSync(join(folder, 'node_modules/as-bind/package.json'), 'utf8'),
  );
  console.log(`as-bind ${version}, made for assemblyscript ${peerDependencies.assemblyscript}; here ${versions[0]}`);

  writeFileSync(
    join(folder, 'sum.ts'),
    'export function sum(x: Float32Array): f32 { let s: f32 = 0; for (let i = 0; i < x.length; i++) s += x[i]; return s; }\n',
  );
  const asc = join('node_modules', 'assemblyscript', 'bin', 'asc.js');
  const compiled = run(
    process.execPath,
    ...[asc, 'sum.ts', '--transform', 'as-bind', '--exportRuntime', '--outFile', 'sum.wasm'],
  );
  const compiles = compiled.status === 0;
  console.log(`compiles with --transform as-bind: ${compiles ? 'yes' : `no\n    ${errorOf(compiled.text)}`}`);

  const entry = pathToFileURL(join(folder, 'node_modules/as-bind/dist/as-bind.cjs.js'));
  const { default: asBind } = await import(entry.href);
  const module = await WebAssembly.compile(readFileSync(compiles ? join(folder, 'sum.wasm') : kernels));
  const bound = await asBind
    .instantiate(module, { env: { memory: new WebAssembly.Memory({ initial: 16, maximum: 65535 }) } })
    .catch((error) => error);
  const takesModules = !(bound instanceof Error);
  console.log(`instantiates a WebAssembly.Module: ${takesModules ? 'yes' : `no\n    ${bound.message}`}`);

  const stands = !compiles || !takesModules;
  console.log(stands ? 'Decision 02 stands.' : 'as-bind passes both: see decision 02 again.');
  process.exitCode = stands ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
