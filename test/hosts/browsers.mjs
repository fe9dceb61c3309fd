// The contract in real browsers, headless: pages and module workers from a server on localhost, which hears the
// results.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import sirv from 'sirv';

export { puppeteer };

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Serves the package, the pages and the inputs; `visit(open, path)` gives the result that the page at `path` sends.
 * Isolated pages may have threads.
 */
export async function startServer(inputs, seconds, isolated) {
  const waiting = new Map();
  const folders = [
    ['/package/', sirv(root, { dev: true })],
    ['/inputs/', sirv(inputs, { dev: true })],
    ['/', sirv(here, { dev: true })],
  ];
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      let text = '';
      for await (const chunk of request) text += chunk;
      const { pathname, search } = new URL(request.url, 'http://localhost');
      waiting.get(search)?.[pathname.slice(1)](JSON.parse(text));
      response.end();
      return;
    }
    if (isolated) {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    }
    const [prefix, serve] = folders.find(([start]) => request.url.startsWith(start));
    request.url = request.url.slice(prefix.length - 1);
    serve(request, response, () => {
      response.statusCode = 404;
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://localhost:${server.address().port}`;
  let visits = 0;
  return {
    async visit(open, path) {
      const key = `?${++visits}`;
      let timer;
      let last = 'start';
      const stage = (name) => (last = name);
      const result = new Promise((resolve, reject) => {
        waiting.set(key, { result: resolve, stage });
        timer = setTimeout(() => reject(new Error(`no result within ${seconds} s: at stage ${last}`)), 1000 * seconds);
      });
      result.catch(() => {}); // heard below
      try {
        await Promise.race([result, open(`${base}${path}?${visits}`)]);
        return await result;
      } finally {
        clearTimeout(timer);
        waiting.delete(key);
      }
    },
    close: () => server.close(),
  };
}

/** Chromium or Firefox. @param {'chrome' | 'firefox'} browser @param {string} executablePath */
export async function startPuppeteer(browser, executablePath) {
  const launched = await puppeteer.launch({
    browser,
    executablePath,
    headless: true,
    args:
      browser === 'chrome'
        ? [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
            '--no-first-run',
          ]
        : [],
  });
  return {
    version: (await launched.version()).replace(/^.*\//, ''),
    async open(url) {
      const page = await launched.newPage();
      await page.goto(url);
      await new Promise(() => {}); // the page stays open until the browser is closed
    },
    close: () => launched.close(),
  };
}

/** WebKitGTK's MiniBrowser by its WebDriver, on a virtual screen; it shares memory only where it is told to. */
export async function startWebKit(seconds, isolated) {
  const libraries = readdirSync('/usr/lib').flatMap((machine) =>
    machine.includes('-linux-') ? readdirSync(`/usr/lib/${machine}`).map((name) => `/usr/lib/${machine}/${name}`) : [],
  );
  const folder = libraries.find((path) => /webkit2gtk-4\.\d$/.test(path));
  if (!folder) throw new Error('webkit2gtk-driver is not installed');
  const port = 20_000 + (process.pid % 20_000);
  const env = {
    ...process.env,
    LIBGL_ALWAYS_SOFTWARE: '1',
    WEBKIT_DISABLE_COMPOSITING_MODE: '1',
    ...(isolated && { JSC_useSharedArrayBuffer: '1' }),
  };
  const driver = spawn('xvfb-run', ['-a', 'WebKitWebDriver', `--port=${port}`], {
    env,
    stdio: 'ignore',
    detached: true,
  });
  const missing = new Promise((_, reject) => driver.once('error', reject));
  missing.catch(() => {});
  const close = () => {
    try {
      process.kill(-driver.pid);
    } catch {
      // it has ended by itself
    }
  };
  const ask = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(1000 * seconds),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`WebKitWebDriver: ${value.message}`);
    return value;
  };
  try {
    await Promise.race([missing, ready(() => ask('GET', '/status'), seconds)]);
    const options = { 'webkitgtk:browserOptions': { binary: `${folder}/MiniBrowser`, args: ['--automation'] } };
    const { sessionId, capabilities } = await ask('POST', '/session', { capabilities: { alwaysMatch: options } });
    return {
      version: capabilities.browserVersion,
      async open(url) {
        await ask('POST', `/session/${sessionId}/url`, { url });
        await new Promise(() => {});
      },
      /** A command of WebDriver in this session. */
      command: (method, path, body) => ask(method, `/session/${sessionId}${path}`, body),
      async close() {
        await ask('DELETE', `/session/${sessionId}`).catch(() => {});
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Asks until there is an answer. */
async function ready(question, seconds) {
  for (let left = 10 * seconds; left > 0; left--) {
    try {
      return await question();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`no answer within ${seconds} s`);
}
