// Where the tests and the bench get the page from.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import sirv from '../hosts/node_modules/sirv/build.mjs';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const APP = fileURLToPath(new URL('../../dist/app/', import.meta.url));
/** Below a path, and without any header of its own. */
const BELOW = '/some/where/';

/** `m3rec app` on a free port. */
export function startServer(...args) {
  const child = spawn(process.execPath, [CLI, 'app', '--no-open', '--port', '0', ...args]);
  const exit = new Promise((resolve) => child.once('exit', resolve));
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
      const url = /the page is at (\S+) until/.exec(said)?.[1];
      if (!url) return;
      const close = async () => {
        child.kill('SIGINT');
        await exit;
      };
      resolve({ url, close });
    });
    child.once('exit', () => reject(new Error(`m3rec app ended: ${said}`)));
  });
}

/** Any static host: the files below a path, but those of `without`; `asked` collects the names of files asked for. */
export async function startStatic({ without = [], asked = new Set() } = {}) {
  const serve = sirv(APP, { dev: true });
  const server = createServer((request, response) => {
    const inside = request.url.startsWith(BELOW);
    request.url = request.url.slice(BELOW.length - 1);
    const name = request.url.slice(1) || 'index.html';
    asked.add(name);
    const none = () => {
      response.statusCode = 404;
      response.end();
    };
    if (inside && !without.includes(name)) serve(request, response, none);
    else none();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}${BELOW}`,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}
