// The Node that runs the kernels with relaxed SIMD, as options of fork.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const installed = fileURLToPath(new URL('../test/hosts/node_modules/node/bin/node', import.meta.url));

/**
 * The newest one, which npm run hosts installs (test/hosts); else this one, told to compile relaxed SIMD where it needs
 * to be.
 */
export function newestNode() {
  if (existsSync(installed)) return { execPath: installed };
  return WebAssembly.validate(readFileSync(new URL('../../dist/kernels-relaxed.wasm', import.meta.url)))
    ? {}
    : { execArgv: ['--experimental-wasm-relaxed-simd'] };
}
