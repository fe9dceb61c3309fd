import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** What esbuild's binary loader does in the bundles: a .wasm import is a Uint8Array. */
const wasmAsBytes = {
  name: 'wasm-as-bytes',
  enforce: 'pre' as const,
  load(id: string) {
    if (!id.endsWith('.wasm')) return null;
    return `export default new Uint8Array(Buffer.from('${readFileSync(id).toString('base64')}', 'base64'));`;
  },
};

export default defineConfig({
  plugins: [wasmAsBytes],
  test: { include: ['test/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000, pool: 'forks', maxWorkers: 2 },
});
