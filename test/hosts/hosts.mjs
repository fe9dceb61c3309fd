// Every host: its name, the programs that it needs, how many threads it must have, and how the contract runs there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { startPuppeteer, startServer, startWebKit } from './browsers.mjs';
import { command } from './command.mjs';
import { KERNELS_ALONE } from './contract.mjs';
import { edgeRuntime, program, wasmtime, workerd } from './sandboxes.mjs';

const script = fileURLToPath(new URL('script.mjs', import.meta.url));

export const HOSTS = [
  { name: `Node ${process.versions.node.split('.')[0]}`, threads: 2, run: scripted(process.execPath, []) },
  { name: 'Node, bundled by esbuild', threads: 2, run: scripted(process.execPath, [], 'script-bundled.mjs') },
  { name: 'Node, the newest', threads: 2, needs: [program('node')], run: scripted(program('node'), []) },
  {
    name: 'Deno',
    threads: 2,
    needs: [program('deno')],
    run: scripted(program('deno'), ['run', '--allow-all', '--no-lock']),
  },
  { name: 'Bun', threads: 2, needs: [program('bun')], run: scripted(program('bun'), []) },
  ...browser('Chromium', ['/usr/bin/chromium'], () => startPuppeteer('chrome', '/usr/bin/chromium'), {
    'page, bundled by Vite': '/inputs/vite/index.html',
  }),
  ...browser('Firefox', ['/usr/bin/firefox-esr'], () => startPuppeteer('firefox', '/usr/bin/firefox-esr')),
  ...browser('WebKitGTK', ['/usr/bin/WebKitWebDriver', '/usr/bin/xvfb-run'], startWebKit),
  {
    name: 'workerd',
    threads: 1,
    needs: [program('workerd')],
    run: async (inputs, seconds) => ({ version: packageVersion('workerd'), ...(await workerd(inputs, seconds)) }),
  },
  {
    name: 'edge-runtime',
    threads: 1,
    needs: [program('edge-runtime')],
    run: async (inputs) => ({ version: packageVersion('edge-runtime'), ...(await edgeRuntime(inputs)) }),
  },
  {
    name: 'Wasmtime, kernels alone',
    stages: [KERNELS_ALONE],
    needs: [program('wizer')],
    run: async (inputs, seconds) => ({
      version: `wizer ${packageVersion('@bytecodealliance/wizer')}`,
      ...(await wasmtime(inputs, seconds)),
    }),
  },
];

/** A host that runs script.mjs, or what was made of it. */
function scripted(file, args, bundled) {
  return async (inputs, seconds) => {
    const version = (await command(file, ['--version'], { seconds }))
      .trim()
      .split('\n')[0]
      .replace(/^(v|deno )/, '')
      .replace(/ \(.*/, '');
    return {
      version,
      ...JSON.parse(await command(file, [...args, bundled ? join(inputs, bundled) : script, inputs], { seconds })),
    };
  };
}

/**
 * A browser's page and worker, of a page that is cross-origin isolated and of one that is not, each in a browser
 * started for it.
 */
function browser(name, needs, start, more = {}) {
  const pages = { page: '/pages/page.html', 'module worker, bundled by esbuild': '/pages/worker.html', ...more };
  const kinds = Object.entries(pages).flatMap(([kind, path]) =>
    [false, true].map((isolated) => ({ kind, path, isolated })),
  );
  return kinds.map(({ kind, path, isolated }) => ({
    name: `${name}, ${kind}${isolated ? ', isolated' : ''}`,
    threads: isolated ? 2 : 1,
    needs,
    async run(inputs, seconds) {
      const server = await startServer(inputs, seconds, isolated);
      try {
        const started = await start(seconds, isolated);
        try {
          return { version: started.version, ...(await server.visit(started.open, path)) };
        } finally {
          await started.close();
        }
      } finally {
        server.close();
      }
    },
  }));
}

function packageVersion(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
}
