// npm run example NAME [-- --port N]: makes what the example needs (a model from generated data, a bundle), then starts its host.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, context } from 'esbuild';
import { assembleGenerated, decodeModel, encodeModel, generateMarkets, train } from '../dist/index.js';
import { writeFileAtomically } from '../dist/node.js';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, '..', 'dist');
const model = join(here, 'shop.m3rec');
const bundle = { bundle: true, minify: true, format: 'esm', target: 'es2022', logLevel: 'warning' };

/** An npm package's program, installed where npx keeps such things. */
function run(name, version, ...args) {
  // In a group of its own, since npx does not pass signals on.
  const group = process.platform !== 'win32';
  const child = spawn('npx', ['-y', `${name}@${version}`, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    cwd: here,
    detached: group,
    shell: !group,
  });
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => (group ? process.kill(-child.pid, 'SIGTERM') : child.kill()));
  child.on('close', (code, signal) => process.exit(signal ? 0 : (code ?? 1)));
}

const EXAMPLES = {
  async workerd(port) {
    const out = join(here, 'workerd', 'build');
    await build({
      ...bundle,
      entryPoints: [join(here, 'workerd', 'worker.js')],
      outdir: out,
      external: ['m3rec/kernels.wasm', '*.m3rec'],
    });
    copyFileSync(join(dist, 'kernels.wasm'), join(out, 'kernels.wasm'));
    copyFileSync(model, join(out, 'shop.m3rec'));
    run('workerd', '1.20260426.1', 'serve', join('workerd', 'config.capnp'), '--socket-addr', `http=127.0.0.1:${port}`);
  },
  deno(port) {
    process.env.PORT = port;
    run(
      'deno',
      '2.9.6',
      'run',
      '--no-lock',
      '--allow-net',
      '--allow-env=PORT',
      `--allow-read=${here},${dist}`,
      join('deno', 'main.ts'),
    );
  },
  bun(port) {
    process.env.PORT = port;
    run('bun', '1.4.5', join('bun', 'server.ts'));
  },
  async 'service-worker'(port) {
    const out = join(here, 'service-worker', 'build');
    mkdirSync(out, { recursive: true });
    copyFileSync(join(here, 'service-worker', 'index.html'), join(out, 'index.html'));
    copyFileSync(model, join(out, 'shop.m3rec'));
    // A classic script: module service workers are not everywhere.
    const site = await context({
      ...bundle,
      format: 'iife',
      entryPoints: [join(here, 'service-worker', 'sw.js')],
      outdir: out,
    });
    await site.rebuild();
    await site.serve({ host: '127.0.0.1', port: Number(port), servedir: out });
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => site.dispose().then(() => process.exit(0)));
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string', default: '8080' } },
});
const start = Object.hasOwn(EXAMPLES, positionals[0] ?? '') && EXAMPLES[positionals[0]];
if (!start || positionals.length > 1 || !/^\d{1,5}$/.test(values.port)) {
  process.stderr.write(`npm run example NAME [-- --port N], NAME one of ${Object.keys(EXAMPLES).join(', ')}\n`);
  process.exit(2);
}
if (!existsSync(model)) {
  process.stderr.write('training a model on generated markets …\n');
  const data = assembleGenerated(generateMarkets({ seed: 1, users: 1500, items: 600, interactions: 15_000 }));
  await writeFileAtomically(model, encodeModel(await train(data, { seed: 1, epochs: 20 })));
}
const { items, markets } = decodeModel(readFileSync(model));
const market = markets[markets.length - 1];
const path = `/v1/${market.name}/recommend?items=${[0, 1].map((i) => items[market.items[i]])}&k=3`;
const home = `http://127.0.0.1:${values.port}/`;
process.stderr.write(`starting ${positionals[0]} …\n`);
await start(values.port);
const answers = () =>
  fetch(home).then(
    () => true,
    () => false,
  );
// a host that fails ends this process
while (!(await answers())) await setTimeout(200);
process.stderr.write(`${home} until Ctrl-C; try http://127.0.0.1:${values.port}${path}\n`);
