// npm run docs: the API reference, to docs/api/site/index.html. typedoc needs the compiler API, which TypeScript 7 no
// longer has: docs/api is a package of its own with an older one, installed when it is needed.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const api = fileURLToPath(new URL('../docs/api/', import.meta.url));
const program = join(api, 'node_modules/typedoc/bin/typedoc');
if (!existsSync(program)) {
  const windows = process.platform === 'win32';
  execFileSync(windows ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: api,
    stdio: 'inherit',
    shell: windows,
  });
}
const { status } = spawnSync(process.execPath, [program], { cwd: api, stdio: 'inherit' });
process.exit(status ?? 1);
