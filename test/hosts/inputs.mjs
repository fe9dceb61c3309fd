// What every host is given: a model file, a run file, the kernels, and the contract bundled in the ways that users
// bundle.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as m3rec from 'm3rec';

const here = fileURLToPath(new URL('.', import.meta.url));
const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

/** Fills a folder. */
export async function makeInputs(folder) {
  const data = m3rec.assembleGenerated(m3rec.generateMarkets({ seed: 4, users: 500, items: 400, interactions: 5000 }));
  const model = await m3rec.train(data, { preset: 'softmax', seed: 2, dim: 32, walks: 2, walkLength: 10, epochs: 2 });
  const [, second] = model.markets;
  const candidates = (user) => [0, 1, 2, 3].map((k) => model.items[(user * 13 + k * 7) % model.items.length]);
  writeFileSync(join(folder, 'model.m3rec'), m3rec.encodeModel(model));
  writeFileSync(
    join(folder, 'run.tsv'),
    second.users
      .slice(0, 20)
      .map((user, i) => `${user}\t${[...candidates(i), 'nothing']}\n`)
      .join(''),
  );

  const common = { bundle: true, format: 'esm', target: 'es2022', absWorkingDir: here, logLevel: 'error' };
  await build({
    ...common,
    entryPoints: ['script.mjs'],
    platform: 'node',
    outfile: join(folder, 'script-bundled.mjs'),
  });
  await build({ ...common, entryPoints: ['pages/page.mjs'], minify: true, outfile: join(folder, 'worker.mjs') });
  copyFileSync(join(dist, 'worker.js'), join(folder, 'worker.js')); // next to the bundle, where it looks for it
  await build({ ...common, entryPoints: ['edge/entry.mjs'], format: 'iife', outfile: join(folder, 'edge.js') });
  const workerd = join(folder, 'workerd');
  mkdirSync(workerd);
  await build({
    ...common,
    entryPoints: ['workerd/worker.mjs'],
    conditions: ['workerd'],
    external: ['*.wasm', '*.m3rec', '*.tsv'],
    outfile: join(workerd, 'worker.mjs'),
  });
  for (const file of ['model.m3rec', 'run.tsv']) copyFileSync(join(folder, file), join(workerd, file));
  copyFileSync(join(dist, 'kernels.wasm'), join(workerd, 'kernels.wasm'));
  copyFileSync(join(here, 'workerd/config.capnp'), join(workerd, 'config.capnp'));
  const vite = await import('vite');
  await vite.build({
    root: join(here, 'pages/vite'),
    base: '/inputs/vite/',
    configFile: false,
    logLevel: 'error',
    build: { outDir: join(folder, 'vite'), emptyOutDir: true, target: 'es2022' },
  });
}
