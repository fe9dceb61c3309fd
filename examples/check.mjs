// node examples/check.mjs [NAME …]: starts each example and compares its answers with those of the handler in this process.
// The service worker is asked after its server was stopped; that needs playwright-core and Chromium (CHROMIUM names its program).
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHandler, decodeModel } from '../dist/index.js';

const START_SECONDS = 120;
const here = fileURLToPath(new URL('.', import.meta.url));
const names = process.argv.length > 2 ? process.argv.slice(2) : ['workerd', 'deno', 'bun', 'service-worker'];
let port = 8790;
let failed = false;

for (const name of names) {
  const base = `http://127.0.0.1:${++port}`;
  const child = spawn(process.execPath, [join(here, 'start.mjs'), name, '--port', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const closed = new Promise((resolve) => child.on('close', resolve));
  const stop = async () => {
    if (child.exitCode === null) child.kill('SIGINT');
    await closed;
  };
  try {
    await listening(port, child);
    const bytes = readFileSync(join(here, 'shop.m3rec'));
    const expected = createHandler(bytes);
    const requests = makeRequests(decodeModel(bytes));
    const answers =
      name === 'service-worker' ? await askOffline(base, requests, stop) : await askOnline(base, requests);
    if (answers === undefined) continue;
    let wrong = 0;
    for (const [i, answer] of answers.entries()) {
      const right = await summary(await expected(toRequest(base, requests[i])));
      if (JSON.stringify(answer) === JSON.stringify(right)) continue;
      wrong++;
      process.stderr.write(
        `${name}: ${JSON.stringify(requests[i]).slice(0, 200)}\n  found    ${JSON.stringify(answer).slice(0, 400)}\n  expected ${JSON.stringify(right).slice(0, 400)}\n`,
      );
    }
    if (wrong > 0) failed = true;
    process.stdout.write(`${name}: ${answers.length} requests, ${wrong} answers other than Node's\n`);
  } catch (error) {
    failed = true;
    process.stderr.write(`${name}: ${error.stack}\n${stderr}`);
  } finally {
    await stop();
  }
}
process.exitCode = failed ? 1 : 0;

async function listening(port, child) {
  for (let second = 0; second < START_SECONDS && child.exitCode === null; second += 0.2) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`nothing answers at port ${port}`);
}

/** One of everything that the handler knows, right and wrong. */
function makeRequests({ items, markets }) {
  const requests = [];
  const json = { 'content-type': 'application/json' };
  for (const market of markets) {
    const ids = [3, 14, 15, 92].map((i) => items[market.items[i]]);
    const at = `/v1/${market.name}`;
    requests.push(
      { path: `${at}/recommend?items=${ids}&k=5&explain` },
      { path: `${at}/recommend?items=${ids[0]}&items=__proto__&items=%F0%9F%A6%8A%2C+x&without=${ids[1]}` },
      { path: `${at}/recommend?user=${market.users[7]}&includeSeen` },
      { path: `${at}/similar?item=${ids[2]}` },
      { path: `${at}/similar?item=${ids[2]}`, method: 'HEAD' },
      {
        path: `${at}/recommend`,
        method: 'POST',
        headers: json,
        body: JSON.stringify({ queries: [{ items: ids }, { user: market.users[1], k: 3 }] }),
      },
      {
        path: `${at}/rank`,
        method: 'POST',
        headers: json,
        body: JSON.stringify({ items: ids, candidates: [ids[3], 'nothing', ids[1]] }),
      },
    );
  }
  requests.push(
    { path: '/health' },
    { path: '/openapi.json' },
    { path: '/v1/us/recommend?items=', headers: { 'if-none-match': '*' } },
    { path: '/v1/us/recommend', method: 'OPTIONS' },
    { path: '/v1/us/rank', method: 'DELETE' },
    { path: '/v1/us/recommend?items=100%' },
    { path: '/v1/%ff/recommend?items=a' },
    { path: '/v1/__proto__/recommend?items=a' },
    { path: '/v1/us/recommend?user=nobody' },
    { path: '/v1/us/recommend?items=a&k=0&k=1' },
    { path: '/v1/us/nothing' },
    { path: '/v1/us/recommend', method: 'POST', headers: json, body: '{"items":' },
    { path: '/v1/us/recommend', method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' },
    { path: '/v1/us/recommend', method: 'POST', headers: json, body: ' '.repeat(1_100_000) },
    { path: '/v1/us/recommend', method: 'POST', headers: json, body: ' '.repeat(1_100_000), stream: true },
    { path: '/health' },
  );
  return requests;
}

function toRequest(base, { path, method, headers, body, stream }) {
  return new Request(base + path, {
    method,
    headers,
    ...(stream ? { body: new Blob([body]).stream(), duplex: 'half' } : { body }),
  });
}

/** What must be the same everywhere. */
async function summary(response) {
  const headers = ['allow', 'cache-control', 'content-type', 'etag', 'x-content-type-options'].map((name) =>
    response.headers.get(name),
  );
  return { status: response.status, headers, body: await response.text() };
}

async function askOnline(base, requests) {
  const answers = [];
  for (const request of requests)
    answers.push(
      await fetch(toRequest(base, request)).then(summary, (error) => ({ failed: String(error.cause ?? error) })),
    );
  return answers;
}

async function askOffline(base, requests, stop) {
  const { chromium } = await import('playwright-core').catch(() => ({}));
  if (!chromium) {
    process.stdout.write('service-worker: skipped, playwright-core is not installed\n');
    return undefined;
  }
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 900, height: 800 } });
    const loaded = () => page.waitForFunction(() => document.getElementById('state').textContent.includes('answered'));
    await page.goto(base);
    await loaded();
    await stop();
    await page.context().setOffline(true);
    await page.reload();
    await loaded();
    const buttons = page.locator('#popular button');
    for (const i of [1, 4]) await buttons.nth(i).click();
    await page.waitForFunction(() => document.getElementById('title').textContent === 'For you');
    const picture = join(tmpdir(), 'm3rec-service-worker.png');
    await page.screenshot({ path: picture });
    process.stdout.write(`service-worker: offline, its server stopped; ${picture} shows it\n`);
    const headers = ['allow', 'cache-control', 'content-type', 'etag', 'x-content-type-options'];
    return await page.evaluate(
      async ([list, names]) => {
        const answers = [];
        for (const { path, ...init } of list) {
          const response = await fetch(path, init);
          answers.push({
            status: response.status,
            headers: names.map((name) => response.headers.get(name)),
            body: await response.text(),
          });
        }
        return answers;
      },
      [requests.map(({ stream, ...request }) => request), headers],
    );
  } finally {
    await browser.close();
  }
}
