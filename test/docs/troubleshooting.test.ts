// The messages that the guide's page on troubleshooting names are those of the source.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
/** Literals that are joined in the source are joined here, so that a message may be cut anywhere. */
const source = sources
  .map((file) => readFileSync(join(root, 'src', file), 'utf8'))
  .join('\n')
  .replace(/['`]\s*\+\s*['`]/g, '');
/** The code in the first column of the tables whose first column is messages or warnings. */
const messages = readFileSync(join(root, 'docs/guide/troubleshooting.md'), 'utf8')
  .split(/^\| (?:message|warning) \|.*\n/m)
  .slice(1)
  .flatMap((table) => table.split('\n\n')[0].split('\n').slice(1))
  .flatMap((row) => [...row.split('|')[1].matchAll(/`([^`]+)`/g)].map(([, message]) => message));

test('there are messages', () => expect(messages.length).toBeGreaterThan(40));

test.each(messages)('%s', (message) => {
  // `found` and `expected` are put around an argument and a value by ArgumentError
  const parts = message
    .split(/…|: found |, expected /)
    .map((part) => part.trim().replace(/^[;,]\s*/, ''))
    .filter((part) => part.length > 3);
  for (const part of parts) expect(source.includes(part), part).toBe(true);
});
