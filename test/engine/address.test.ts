// Addresses and counts are told apart when the host is compiled.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('swapping a count and an address does not type-check', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const compiler = ['node_modules/typescript/bin/tsc', '-p', 'test/types/tsconfig.json'];
  const { status, stdout } = spawnSync(process.execPath, compiler, { cwd: root, encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
