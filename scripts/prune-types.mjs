// Declarations that no entry of the package leads to are not shipped.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** The declarations that the entries lead to, by their imports. */
export function reachable(entries) {
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g))
      visit(join(dirname(file), target.replace(/\.(ts|js)$/, '.d.ts')));
  };
  for (const entry of entries) visit(normalize(entry));
  return reached;
}

/** Removes what the entries, such as ./dist/types/index.d.ts, do not lead to. */
export function pruneTypes(entries) {
  const reached = reachable(entries);
  const folder = dirname(normalize(entries[0]));
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = join(folder, name);
    if (name.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
  }
}
