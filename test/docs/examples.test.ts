// The `@example` of every public function, run; each is there. They take for granted what `prelude` below makes.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as browser from '../../src/browser.ts';
import * as index from '../../src/index.ts';
import * as kernels from '../../src/kernels.ts';
import * as lab from '../../src/lab.ts';
import * as node from '../../src/node.ts';
import * as workers from '../../src/workers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'm3rec-examples-'));
const ENTRIES = { index, node, workers, browser, kernels, lab };

/** The text of a doc comment without its stars. */
const plain = (comment: string) => comment.replace(/^\s*\/\*\*\s?|\s*\*\/\s*$/g, '').replace(/^\s*\* ?/gm, '');
const examplesOf = (comment: string) =>
  [...plain(comment).matchAll(/^@example[ \n]([\s\S]*?)(?=^@|$(?![\s\S]))/gm)].map(([, code]) => code.trim());

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .map((file) => ({ file, text: readFileSync(join(root, 'src', file), 'utf8') }));

/** The doc comment of an exported function, class or constant: the one that ends right before it. */
function commentOf(name: string): string | undefined {
  const declaration = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/)\\s*export (?:async )?(?:function\\*?|class|const|abstract class) ${name}\\b`,
  );
  for (const { text } of sources) {
    const found = declaration.exec(text);
    if (found) return found[1];
  }
  return undefined;
}

const functions = Object.entries(ENTRIES).flatMap(([entry, exports]) =>
  Object.entries(exports)
    .filter(([, value]) => typeof value === 'function' && !(value.prototype instanceof Error))
    .map(([name]) => [entry, name] as const),
);

test.each(functions)('%s: %s has a doc comment with an example', (_entry, name) => {
  const comment = commentOf(name);
  expect(comment, `${name} has no doc comment`).toBeDefined();
  expect(examplesOf(comment!).length, `${name} has no @example`).toBeGreaterThan(0);
});

/** Those of public functions, and of what stands inside a class. */
const isPublic = (declaration: string) => {
  if (/^ {2}\S/.test(declaration)) return true;
  const [, name] = /^export .*?(?:function\*?|class|const) (\w+)/.exec(declaration) ?? [];
  return functions.some(([, each]) => each === name);
};
const examples = sources.flatMap(({ file, text }) =>
  [...text.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n(.*)/g)].flatMap(({ 1: comment, 2: declaration, index: at }) =>
    isPublic(declaration)
      ? examplesOf(comment).map((code) => ({ name: `${file}:${text.slice(0, at).split('\n').length}`, code }))
      : [],
  ),
);

/** `import` within a function, and `value; // → expected` as a check. */
const runnable = (code: string) =>
  code
    .replace(/^import \* as (\w+) from ('[^']+');/gm, 'const $1 = await import($2);')
    .replace(/^import (\w+) from ('[^']+');/gm, 'const { default: $1 } = await import($2);')
    .replace(/^import (\{[^}]*\}) from ('[^']+');/gm, 'const $1 = await import($2);')
    .replace(/^(\s*)(.*?);? \/\/ → (.*)$/gm, '$1check($2, $3);');

const prelude = `
import { deepEqual } from 'node:assert/strict';
// everything public, so that examples need no imports
for (const entry of ['', '/node', '/workers', '/browser', '/kernels', '/lab']) Object.assign(globalThis, await import('m3rec' + entry));
globalThis.self = { registration: { scope: 'https://shop.example/' }, addEventListener() {} };
await writeDirectory('shop', generateMarkets({ seed: 1, users: 2000, items: 600, interactions: 20000 }));
// what every example may use
const markets = await readDirectory('shop');
const model = await train(markets);
const bytes = encodeModel(model);
const recommender = await loadModel(bytes);
await writeFileAtomically('shop.m3rec', bytes);
const check = (found, expected) => deepEqual(found, expected);
`;

beforeAll(() => {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/m3rec'), 'junction');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the examples', () => {
  let results: Record<string, string> = {};

  beforeAll(() => {
    const parts = examples.map(
      ({ name, code }) => `
results[${JSON.stringify(name)}] = await (async () => {
${runnable(code)}
})().then(() => 'passed', (error) => error.stack);`,
    );
    writeFileSync(
      join(folder, 'all.mjs'),
      `${prelude}\nconst results = {};\n${parts.join('\n')}\n(await import('node:fs')).writeFileSync('results.json', JSON.stringify(results));\nprocess.exit();\n`,
    );
    execFileSync(process.execPath, ['--import', join(root, 'test/docs/examples-loader.mjs'), 'all.mjs'], {
      cwd: folder,
    });
    results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
  });

  test.each(examples.map(({ name }) => name))('%s', (name) => expect(results[name]).toBe('passed'));
});
