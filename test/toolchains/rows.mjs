// The matrix: each row is a toolchain, how it is set up, and what its program answers. `cheap` rows take their tools from
// package.json here, and .ci/run has them; the others install their own.
import { copyFileSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { program } from '../hosts/sandboxes.mjs';
import { files, fill, install, NotInstalled, run, served, visit } from './steps.mjs';

const ESM = { 'package.json': { type: 'module' } };
const PAGE = ['program.mjs', 'page.mjs', 'page.html'];
const PRINT = "import { answer } from './program.mjs';\nconsole.log(await answer());\n";
const tool = (tools, name) => join(tools, 'node_modules', name);

/** A page bundled by `bundle` into `dist`, opened isolated; page.mjs trains on threads then. */
const bundled = (names, bundle) => ({
  cheap: true,
  async run(context) {
    fill(context.folder, names, ESM);
    await bundle(context);
    const expected = names.includes('page.mjs') ? { threads: context.threads } : {};
    return files(join(context.folder, 'dist'), (url) => visit(`${url}/page.html`, expected));
  },
});

/** A page whose HTML names the bundle. */
const html = (script) =>
  `<!doctype html><meta charset="utf-8"><title>m3rec</title><script type="module" src="${script}"></script>`;

const node = (file, texts, args = []) => ({
  cheap: true,
  run({ folder }) {
    fill(folder, ['program.mjs'], texts);
    return run(folder, [...args, file]);
  },
});

const REQUIRE = `const { assembleGenerated } = require('m3rec');
if (typeof assembleGenerated !== 'function') throw new Error('m3rec has no such export');
for (const name of ['slim', 'node', 'kernels', 'workers', 'browser', 'lab']) require('m3rec/' + name);
`;

/** The program as CommonJS, as older programs are written. */
const requiring = async (folder) => {
  const { transform } = await import('esbuild');
  const source = readFileSync(new URL('examples/program.mjs', import.meta.url), 'utf8');
  const { code } = await transform(source, { format: 'cjs' });
  fill(folder, [], { 'package.json': {}, 'program.js': code });
};

const required = (args) => ({
  cheap: true,
  async run({ folder }) {
    await requiring(folder);
    writeFileSync(join(folder, 'main.js'), `${REQUIRE}require('./program.js').answer().then(console.log);`);
    return run(folder, [...args, 'main.js']);
  },
});

const vite = (name, args) => ({
  cheap: true,
  async run({ folder, tools, threads }) {
    fill(folder, ['program.mjs', 'page.mjs', ['index.html', 'page.html']], ESM);
    const bin = join(tool(tools, name), 'bin/vite.js');
    if (args === 'build') {
      await run(folder, [bin, 'build']);
      return files(join(folder, 'dist'), (url) => visit(`${url}/`, { threads }));
    }
    writeFileSync(
      join(folder, 'vite.config.js'),
      "export default { server: { headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } } };",
    );
    return served(folder, [bin, '--port', '0', '--host', '127.0.0.1'], {}, (url) => visit(`${url}/`, { threads }));
  },
});

const keep = (folder) => `require('fs').writeFileSync(${JSON.stringify(join(folder, 'answer'))}, text);`;

const jestTest = (folder) => `const { answer } = require('./program.js');
test('answers', async () => {
  const text = await answer();
  ${keep(folder)}
});`;

const vitestFiles = (folder, environment) =>
  fill(folder, ['program.mjs'], {
    'a.test.mjs': `// @vitest-environment ${environment}
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { answer } from './program.mjs';
test('answers', async () => {
  expect(typeof document).toBe('${environment === 'jsdom' ? 'object' : 'undefined'}');
  writeFileSync('answer', await answer());
});`,
  });

const vitest = (environment) => ({
  cheap: true,
  async run({ folder, tools }) {
    fill(folder, [], ESM);
    vitestFiles(folder, environment);
    await run(folder, [join(tool(tools, 'vitest'), 'vitest.mjs'), 'run']);
    return answerOf(folder);
  },
});

const answerOf = (folder) => readFileSync(join(folder, 'answer'), 'utf8');

/** TypeScript compiles the types of every entry, then the program that it wrote runs. */
const typescript = (compiler, options, { commonjs = false } = {}) => ({
  cheap: true,
  async run({ folder, tools }) {
    // the older compiler takes ten times as long: ES modules with the DOM there, CommonJS without
    for (const dom of compiler === 'typescript5' ? [!commonjs] : [false, true]) {
      const lib = ['es2023', ...(dom ? ['dom'] : [])];
      fill(folder, ['use.ts'], {
        'package.json': commonjs ? {} : { type: 'module' },
        'tsconfig.json': {
          compilerOptions: {
            target: 'es2022',
            strict: true,
            skipLibCheck: false,
            types: ['node'],
            lib,
            outDir: 'out',
            ...options,
          },
          files: ['use.ts'],
        },
        'main.mjs': "import { answer } from './out/use.js';\nconsole.log(await answer());\n",
      });
      await run(folder, [join(tool(tools, compiler), 'bin/tsc'), '-p', '.']);
    }
    return run(folder, ['main.mjs']);
  },
});

const esbuild = async (folder, options) => {
  const { build } = await import('esbuild');
  return build({
    absWorkingDir: folder,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    outdir: 'dist',
    logLevel: 'silent',
    ...options,
  });
};

const CHEAP = {
  'Node, import': node('main.mjs', { ...ESM, 'main.mjs': PRINT }),
  'Node, require()': required([]),
  'Node, require() without ES modules': required(['--no-experimental-require-module']),
  Deno: {
    cheap: true,
    run({ folder }) {
      fill(folder, ['program.mjs'], { ...ESM, 'main.mjs': PRINT });
      return run(folder, ['run', '--allow-all', '--no-lock', '--node-modules-dir=manual', 'main.mjs'], {
        node: need('deno'),
      });
    },
  },
  Bun: {
    cheap: true,
    run({ folder }) {
      fill(folder, ['program.mjs'], { ...ESM, 'main.mjs': PRINT });
      return run(folder, ['main.mjs'], { node: need('bun') });
    },
  },
  'esbuild, a page': bundled(PAGE, async ({ folder }) => {
    await esbuild(folder, { entryPoints: ['page.mjs'], splitting: true, outExtension: { '.js': '.mjs' } });
    fill(join(folder, 'dist'), ['page.html']);
  }),
  'Rollup, a page': bundled(PAGE, async ({ folder, tools }) => {
    writeFileSync(
      join(folder, 'rollup.config.mjs'),
      "import resolve from '@rollup/plugin-node-resolve';\nexport default { input: 'page.mjs', output: { dir: 'dist', entryFileNames: '[name].mjs' }, plugins: [resolve({ browser: true })] };",
    );
    await run(folder, [join(tool(tools, 'rollup'), 'dist/bin/rollup'), '-c', '--silent']);
    fill(join(folder, 'dist'), ['page.html']);
  }),
  'webpack 5, a page': bundled(PAGE, async ({ folder }) => {
    fill(folder, [], {
      'build.mjs': `import webpack from 'webpack';
webpack({ mode: 'production', entry: './page.mjs', output: { path: process.cwd() + '/dist', filename: 'page.mjs' } }, (error, stats) => {
  if (error ?? stats.hasErrors()) { console.error(String(error ?? stats)); process.exit(1); }
});`,
    });
    await run(folder, ['build.mjs']);
    fill(join(folder, 'dist'), ['page.html']);
  }),
  'Vite 8, build': vite('vite', 'build'),
  'Vite 8, dev server': vite('vite', 'dev'),
  'Vite 7, build': vite('vite7', 'build'),
  'Vite 7, dev server': vite('vite7', 'dev'),
  '<script type=module>, import map': {
    cheap: true,
    async run({ folder, tools, threads }) {
      fill(folder, ['program.mjs', 'page.mjs'], {
        'page.html': `<!doctype html><meta charset="utf-8"><title>m3rec</title>
<script type="importmap">{ "imports": { "m3rec": "./m3rec/index.js", "m3rec/": "./m3rec/", "m3rec/workers": "./m3rec/workers.js" } }</script>
<script type="module" src="./page.mjs"></script>`,
      });
      cpSync(join(tool(tools, 'm3rec'), 'dist'), join(folder, 'm3rec'), { recursive: true });
      return files(folder, (url) => visit(`${url}/page.html`, { threads }));
    },
  },
  '<script type=module>, one minified file': bundled(PAGE, async ({ folder }) => {
    await esbuild(folder, { entryPoints: ['page.mjs'], minify: true });
    fill(join(folder, 'dist'), [], { 'page.html': html('./page.js') });
  }),
  'a page that fetches kernels.wasm': bundled(['program.mjs', 'slim-page.mjs'], async ({ folder, tools }) => {
    const program = readFileSync(join(folder, 'program.mjs'), 'utf8').replace("'m3rec'", "'m3rec/slim'");
    writeFileSync(join(folder, 'program.mjs'), program);
    await esbuild(folder, { entryPoints: ['slim-page.mjs'], minify: true });
    fill(join(folder, 'dist'), [], { 'page.html': html('./slim-page.js') });
    copyFileSync(join(tool(tools, 'm3rec'), 'dist/kernels.wasm'), join(folder, 'dist/kernels.wasm'));
  }),
  'web worker': bundled(['program.mjs', 'worker.mjs', 'worker-page.mjs'], async ({ folder }) => {
    await esbuild(folder, { entryPoints: ['worker-page.mjs', 'worker.mjs'], outExtension: { '.js': '.mjs' } });
    fill(join(folder, 'dist'), [], { 'page.html': html('./worker-page.mjs') });
  }),
  'service worker': bundled(['program.mjs', 'service-worker.mjs', 'service-worker-page.mjs'], async ({ folder }) => {
    await esbuild(folder, { entryPoints: { sw: 'service-worker.mjs' }, format: 'iife' });
    await esbuild(folder, { entryPoints: ['service-worker-page.mjs'] });
    fill(join(folder, 'dist'), [], { 'page.html': html('./service-worker-page.js') });
  }),
  'Jest, as it comes': {
    cheap: true,
    async run({ folder, tools }) {
      fill(folder, ['program.mjs'], { 'package.json': { name: 'row' } });
      await requiring(folder);
      fill(folder, [], { 'a.test.js': jestTest(folder) });
      await run(folder, [join(tool(tools, 'jest'), 'bin/jest.js'), '--rootDir', '.']);
      return answerOf(folder);
    },
  },
  'Vitest 4, node': vitest('node'),
  'Vitest 4, jsdom': vitest('jsdom'),
  'TypeScript 7, bundler': typescript('typescript', { module: 'esnext', moduleResolution: 'bundler' }),
  'TypeScript 7, node16': typescript('typescript', { module: 'node16' }),
  'TypeScript 7, nodenext': typescript('typescript', { module: 'nodenext' }),
  'TypeScript 7, node16, CommonJS': typescript('typescript', { module: 'node16' }, { commonjs: true }),
  'TypeScript 7, nodenext, CommonJS': typescript('typescript', { module: 'nodenext' }, { commonjs: true }),
  'TypeScript 5, node': typescript('typescript5', { module: 'esnext', moduleResolution: 'node10' }),
  'TypeScript 5, node, CommonJS': typescript(
    'typescript5',
    { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true },
    { commonjs: true },
  ),
};

const NEXT = { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' };
const NEXT_PAGES = {
  'app/layout.js': 'export default ({ children }) => <html lang="en"><body>{children}</body></html>;\n',
  'app/page.js': `import { answer } from '../program.mjs';
export const dynamic = 'force-dynamic';
export default async function Page() {
  return <pre>{await answer()}</pre>;
}
`,
  'app/client/page.js': `'use client';
import { useEffect } from 'react';
export default function Page() {
  useEffect(() => void import('../../page.mjs'), []);
  return <p>…</p>;
}
`,
  'app/edge/route.js': `import { init } from 'm3rec';
import kernels from 'm3rec/kernels.wasm?module';
import { answer } from '../../program.mjs';
export const runtime = 'edge';
export async function GET() {
  await init(kernels);
  return new Response(await answer());
}
`,
  'next.config.mjs': `export default {
  async headers() {
    return [{ source: '/:path*', headers: [
      { key: 'Cross-Origin-Opener-Policy', value: 'same-origin' },
      { key: 'Cross-Origin-Embedder-Policy', value: 'require-corp' },
    ] }];
  },
};
`,
};

/** A server component, a client component and an edge route of one application, built and started. */
const next = {
  async run({ folder, tarball, threads }) {
    fill(folder, ['program.mjs', 'page.mjs'], NEXT_PAGES);
    await install(folder, tarball, NEXT);
    const bin = join(tool(folder, 'next'), 'dist/bin/next');
    await run(folder, [bin, 'build']);
    return served(folder, [bin, 'start', '-p', String(await freePort())], {}, async (url) => {
      const page = await (await fetch(`${url}/`)).text();
      const server = /<pre>([^<]+)/.exec(page)?.[1].replaceAll('&quot;', '"');
      const edge = await fetch(`${url}/edge`);
      const answers = { server, client: await visit(`${url}/client`, { threads }), edge: await edge.text() };
      return allTheSame(answers);
    });
  },
};

/** One answer, if all parts of a row give it. */
function allTheSame(answers) {
  const [[, first]] = Object.entries(answers);
  for (const [part, text] of Object.entries(answers))
    if (text?.trim() !== first?.trim()) throw new Error(`the ${part} answers ${String(text).slice(0, 300)}`);
  return first;
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const EDGE_WORKER = `import { init } from 'm3rec';
import kernels from 'm3rec/kernels.wasm';
import { answer } from './program.mjs';
export default {
  async fetch() {
    await init(kernels);
    return new Response(await answer());
  },
};
`;

const FULL = {
  'Parcel 2, a page': {
    async run({ folder, tarball, threads }) {
      fill(folder, PAGE);
      // packageExports is off unless a program asks for it: m3rec and its entries must be found without
      await install(folder, tarball, { parcel: '2.16.4' });
      await run(folder, [join(tool(folder, 'parcel'), 'lib/bin.js'), 'build', 'page.html', '--no-cache']);
      return files(join(folder, 'dist'), (url) => visit(`${url}/page.html`, { threads }));
    },
  },
  'Next 16: server, client, edge': next,
  'Astro 7: server and client': {
    async run({ folder, tarball, threads }) {
      fill(folder, ['program.mjs', 'page.mjs'], {
        'src/pages/index.astro': `---
import { answer } from '../../program.mjs';
const text = await answer();
---
<html lang="en"><body><pre>{text}</pre><script>import '../../page.mjs';</script></body></html>
`,
      });
      await install(folder, tarball, { astro: '7.3.5' });
      const newest = need('node');
      await run(folder, [join(tool(folder, 'astro'), 'bin/astro.mjs'), 'build'], { node: newest });
      const page = readFileSync(join(folder, 'dist/index.html'), 'utf8');
      const server = /<pre>([^<]+)/.exec(page)?.[1].replaceAll('&quot;', '"').replaceAll('&#34;', '"');
      const client = await files(join(folder, 'dist'), (url) => visit(`${url}/`, { threads }));
      return allTheSame({ server, client });
    },
  },
  'wrangler 4: built, and run by its workerd': {
    async run({ folder, tarball }) {
      fill(folder, ['program.mjs'], {
        'worker.mjs': EDGE_WORKER,
        'wrangler.toml': 'name = "row"\nmain = "worker.mjs"\ncompatibility_date = "2026-01-01"\n',
      });
      await install(folder, tarball, { wrangler: '4.164.0' });
      const bin = join(tool(folder, 'wrangler'), 'bin/wrangler.js');
      const args = [bin, 'dev', '--port', String(await freePort()), '--ip', '127.0.0.1'];
      return served(folder, args, { node: need('node') }, async (url) => (await fetch(url)).text());
    },
  },
  'miniflare 4': {
    async run({ folder, tarball }) {
      fill(folder, ['program.mjs'], {
        'worker.mjs': EDGE_WORKER,
        'main.mjs': `import { readFileSync } from 'node:fs';
import { Miniflare } from 'miniflare';
const module = (path, type) => ({ type, path, contents: readFileSync(path) });
const miniflare = new Miniflare({
  compatibilityDate: '2026-01-01',
  modules: [module('bundle.mjs', 'ESModule'), module('kernels.wasm', 'CompiledWasm')],
});
console.log(await (await miniflare.dispatchFetch('http://localhost/')).text());
await miniflare.dispose();
`,
      });
      await install(folder, tarball, { miniflare: '4.20260426.0' });
      copyFileSync(join(tool(folder, 'm3rec'), 'dist/kernels.wasm'), join(folder, 'kernels.wasm'));
      writeFileSync(join(folder, 'worker.mjs'), EDGE_WORKER.replace('m3rec/kernels.wasm', './kernels.wasm'));
      await esbuild(folder, {
        entryPoints: ['worker.mjs'],
        outdir: undefined,
        outfile: 'bundle.mjs',
        external: ['*.wasm'],
      });
      return run(folder, ['main.mjs']);
    },
  },
  'Jest, ES modules': {
    async run({ folder, tarball }) {
      await install(folder, tarball, { jest: '30.5.2' });
      fill(folder, ['program.mjs'], {
        'a.test.mjs': `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
import { answer } from './program.mjs';
test('answers', async () => {
  const text = await answer();
  ${keep(folder)}
});`,
      });
      const args = [
        '--experimental-vm-modules',
        join(tool(folder, 'jest'), 'bin/jest.js'),
        '--testMatch',
        '**/*.test.mjs',
      ];
      await run(folder, args);
      return answerOf(folder);
    },
  },
  'Vitest 5, node and jsdom': {
    async run({ folder, tarball }) {
      await install(folder, tarball, { vitest: '5.1.2', jsdom: '31.0.1' });
      const answers = {};
      for (const environment of ['node', 'jsdom']) {
        vitestFiles(folder, environment);
        await run(folder, [join(tool(folder, 'vitest'), 'vitest.mjs'), 'run'], { node: need('node') });
        answers[environment] = answerOf(folder);
      }
      return allTheSame(answers);
    },
  },
};

/** A program that npm run hosts installs. */
function need(name) {
  const file = program(name);
  if (!existsSync(file)) throw new NotInstalled(`${name} is not installed (npm ci --prefix test/hosts)`);
  return file;
}

export const ROWS = Object.entries({ ...CHEAP, ...FULL }).map(([name, row]) => ({ name, ...row }));
