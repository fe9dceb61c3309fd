import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** What esbuild's loaders do in the bundles: a .wasm import is a Uint8Array, a .txt import is text. */
const asInTheBundles = {
  name: 'as-in-the-bundles',
  enforce: 'pre' as const,
  load(id: string) {
    if (id.endsWith('.txt')) return `export default ${JSON.stringify(readFileSync(id, 'utf8'))};`;
    if (!id.endsWith('.wasm')) return null;
    return `export default new Uint8Array(Buffer.from('${readFileSync(id).toString('base64')}', 'base64'));`;
  },
};

export default defineConfig({
  plugins: [asInTheBundles],
  test: {
    include: ['test/**/*.test.ts'],
    // tests import parts of src/, not the entry that embeds the kernels
    setupFiles: ['test/support/kernels.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
