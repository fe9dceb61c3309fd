// Installs what npm run hosts needs and is missing: the packages of this folder, and as root the browsers from the
// distribution.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
/** Debian's packages by a file that each brings. */
const PROGRAMS = {
  '/usr/bin/chromium': 'chromium',
  '/usr/bin/firefox-esr': 'firefox-esr',
  '/usr/bin/WebKitWebDriver': 'webkit2gtk-driver',
  '/usr/bin/xvfb-run': 'xvfb',
};

export function install() {
  const lock = readFileSync(new URL('package-lock.json', import.meta.url), 'utf8');
  const stamp = new URL('node_modules/.lock-of-this-install', import.meta.url);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    must('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: here });
    symlinkSync('../../..', new URL('node_modules/m3rec', import.meta.url), 'junction'); // this package, by its name
    writeFileSync(stamp, lock);
  }
  const packages = Object.entries(PROGRAMS).flatMap(([file, name]) => (existsSync(file) ? [] : [name]));
  if (packages.length === 0) return;
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) {
    process.stderr.write(`not installed and not root on Debian: ${packages.join(', ')}\n`);
    return;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const { status, stderr } = spawnSync('apt-get', ['-q', ...args], { env, encoding: 'utf8', maxBuffer: 1e9 });
    if (status !== 0) process.stderr.write(`apt-get ${args.join(' ')} failed: ${stderr.trim().slice(-400)}\n`);
  }
}

function must(file, args, options) {
  const { status, error } = spawnSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
}
