// What runs before the packages are installed imports none of them: ES modules are linked before their first line runs.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Scripts and packages; not what a generated TypeScript file imports, which stands in a script as text. */
const STATIC = /^import\b[^'"(]*?\bfrom '([^']+(?<!\.ts))'|^import '([^']+)'/gm;

/** What a script links before it runs: the packages and built-ins by name, its own files followed. */
function linked(script: string, seen = new Set<string>()): string[] {
  if (seen.has(script)) return [];
  seen.add(script);
  const targets = [...readFileSync(script, 'utf8').matchAll(STATIC)].map(([, from, bare]) => from ?? bare ?? '');
  return targets.flatMap((target) => (target.startsWith('.') ? linked(join(dirname(script), target), seen) : [target]));
}

test.each(['build.mjs', 'test/hosts/install.mjs'])('%s starts without node_modules', (script) => {
  const names = linked(join(root, script));
  expect(names.length).toBeGreaterThan(3);
  expect(names.filter((name) => !name.startsWith('node:'))).toEqual([]);
});
