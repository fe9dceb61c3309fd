// What a page downloads of a bundle: what it loads first, what it loads later, and both in one file.
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const gzip = (data) => gzipSync(data, { level: 9 }).length;

/**
 * Bundles and minifies a module.
 * @param {string} contents its text @param {string} resolveDir where its imports start
 * @returns {Promise<{ first: { bytes: number, gzipped: number, text: string }, later: Record<string, number>,
 *   oneFile: { bytes: number, gzipped: number, text: string } }>} `first`: the entry and what it imports; `later`: gzipped
 * bytes of each file that is imported where it is needed, by the name of its module
 */
export async function firstLoad(contents, resolveDir) {
  const options = {
    stdin: { contents, resolveDir },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
    outdir: 'out',
  };
  const [split, whole] = await Promise.all([
    build({ ...options, splitting: true, metafile: true }),
    build({ ...options, splitting: false }),
  ]);
  const { outputs } = split.metafile;
  const first = new Set();
  const visit = (name) => {
    if (first.has(name)) return;
    first.add(name);
    for (const { kind, path } of outputs[name].imports) if (kind === 'import-statement') visit(path);
  };
  const names = Object.keys(outputs);
  visit(names.find((name) => outputs[name].entryPoint === '<stdin>'));
  const textOf = (name) => split.outputFiles.find(({ path }) => basename(path) === basename(name)).text;
  const texts = [...first].map(textOf);
  const later = names.filter((name) => !first.has(name));
  const [{ text }] = whole.outputFiles;
  return {
    first: {
      bytes: texts.reduce((sum, each) => sum + Buffer.byteLength(each), 0),
      gzipped: texts.reduce((sum, each) => sum + gzip(each), 0),
      text: texts.join('\n'),
    },
    later: Object.fromEntries(
      later.map((name) => [basename(name).replace(/(-[A-Z0-9]{8})+\.js$/, ''), gzip(textOf(name))]),
    ),
    oneFile: { bytes: Buffer.byteLength(text), gzipped: gzip(text), text },
  };
}
