// The entries again as CommonJS (dist/cjs), for what loads no ES module by `require`: Jest as it comes, and TypeScript's
// node16. The ES modules are rewritten one by one, so that entries share their chunks here too.
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { reachable } from './prune-types.mjs';

const OUT = 'dist/cjs';

/**
 * @param {typeof import('esbuild').transform} transform @param {string[]} entries such as dist/index.js
 * @param {import('esbuild').Metafile[]} metafiles of the builds that wrote them
 */
export async function writeCommonJs(transform, entries, metafiles) {
  rmSync(OUT, { recursive: true, force: true });
  const outputs = Object.assign({}, ...metafiles.map((metafile) => metafile.outputs));
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const { path, external } of outputs[file].imports) if (!external) visit(path);
  };
  for (const entry of entries) visit(entry);
  for (const path of reached) {
    const file = relative('dist', path);
    const text = readFileSync(path, 'utf8');
    const { code } = await transform(text, {
      format: 'cjs',
      target: 'es2022',
      minifyWhitespace: true,
      define: { 'import.meta.url': 'm3recUrl' },
      supported: { 'dynamic-import': false },
      legalComments: 'none',
    });
    const url = code.includes('m3recUrl') ? "const m3recUrl=require('node:url').pathToFileURL(__filename).href;" : '';
    mkdirSync(join(OUT, dirname(file)), { recursive: true });
    writeFileSync(join(OUT, file), `${url}${code}`);
  }
  // what webWorkers() looks for next to itself
  copyFileSync('dist/worker.js', join(OUT, 'worker.js'));
  // m3rec/cluster is an ES module alone
  for (const file of reachable(entries.map((entry) => entry.replace(/^dist\/(.*)\.js$/, 'dist/types/$1.d.ts'))))
    cpSync(file, join(OUT, relative('dist', file)), { recursive: true });
  writeFileSync(join(OUT, 'package.json'), '{ "type": "commonjs" }\n');
}
