// Small requests compared with the worst that one client may ask for: `m3rec serve` in its own process answers GETs one
// after the other, first alone, then while one of the largest permitted requests is always under way.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  assembleGenerated,
  createHandler,
  DEFAULT_LIMITS,
  encodeModel,
  generateMarkets,
  loadModel,
  train,
} from '../../dist/index.js';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';

/** Small requests of each measurement, and those before it that warm up. */
const COUNT = 1500;
const WARM_UP = 300;
/** Requests of which the slices are measured, after one that warms up. */
const ROUNDS = 5;
/** What the p99 of small requests may be, in ms. */
const TARGET = 50;

async function worstRequest() {
  note('training a model on generated markets …');
  const data = assembleGenerated(generateMarkets({ seed: 3, users: 12_000, items: 9000, interactions: 120_000 }));
  const bytes = encodeModel(await train(data, { epochs: 1, walks: 2 }));
  const recommender = await loadModel(bytes);
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-worst-'));
  const file = join(folder, 'model.m3rec');
  writeFileSync(file, bytes);
  const server = await start(file);
  const figures = [];
  try {
    const market = recommender.model.markets.reduce((a, b) => (b.items.length > a.items.length ? b : a));
    const small = smallRequests(recommender.model, market);
    await measure(server.port, small, WARM_UP);
    figures.push({ name: 'alone', ...summary(await measure(server.port, small, COUNT)) });
    for (const [name, path, body] of worstRequests(recommender, market)) {
      const heavy = new Agent({ keepAlive: true, maxSockets: 1 });
      const times = [];
      let over = false;
      const beside = (async () => {
        while (!over) {
          const begun = performance.now();
          const { status, length } = await send(server.port, heavy, path, body);
          if (status !== 200) throw new Error(`${name}: status ${status}`);
          times.push({ ms: performance.now() - begun, length });
        }
      })();
      const latencies = await measure(server.port, small, COUNT);
      over = true;
      await beside;
      heavy.destroy();
      const own = times.reduce((sum, { ms }) => sum + ms, 0) / times.length;
      const slice = await longestSlice(recommender, path, body);
      figures.push({ name, bytes: body.length, answer: times[0].length, own, slice, ...summary(latencies) });
      note(`${name}: p99 ${figures.at(-1).p99.toFixed(1)} ms, longest slice ${slice.toFixed(1)} ms`);
    }
    const blocks = [
      `${market.items.length.toLocaleString('en-US')} items, d = ${recommender.model.dim}, kind ${recommender.model.kind}; default limits (${DEFAULT_LIMITS.steps.toLocaleString('en-US')} steps, ${DEFAULT_LIMITS.querySteps.toLocaleString('en-US')} of one query). Per row ${COUNT} GETs of one history of 5 items, one after the other; p99 is to stay within ${TARGET} ms. A slice is what the handler takes between two turns of the event loop, in processor time of the whole process, so that it does not depend on what else the machine does: the median of ${ROUNDS} requests' longest.`,
      table(
        [
          'beside',
          'request, kB',
          'answer, kB',
          'it takes, ms',
          'longest slice, processor ms',
          'small: p50, ms',
          'p99, ms',
          'max, ms',
        ],
        figures.map(({ name, bytes: size, answer, own, slice, p50, p99, max }) => [
          name,
          size === undefined ? '–' : (size / 1000).toFixed(0),
          answer === undefined ? '–' : (answer / 1000).toFixed(0),
          own === undefined ? '–' : own.toFixed(0),
          slice === undefined ? '–' : slice.toFixed(1),
          p50.toFixed(2),
          p99.toFixed(1),
          max.toFixed(1),
        ]),
      ),
    ];
    show(`worst-request: ${describe(machine())}`);
    for (const block of blocks) show(block);
    save('worst-request', 'Small requests compared with the worst permitted one', blocks, { figures, target: TARGET });
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function smallRequests({ items }, market) {
  const of = (i) => encodeURIComponent(items[market.items[i % market.items.length]]);
  return Array.from({ length: 500 }, (_, r) => {
    const history = Array.from({ length: 5 }, (_, h) => of(r * 37 + h * 101)).join(',');
    return `/v1/${market.name}/recommend?items=${history}&k=10`;
  });
}

/** The largest requests of each sort that the default limits let in. */
function worstRequests(recommender, market) {
  const { batch, steps, querySteps, k, explainedK, history, bodyBytes } = DEFAULT_LIMITS;
  const ids = Array.from(market.items, (item) => recommender.model.items[item]);
  const path = (operation) => `/v1/${market.name}/${operation}`;
  const first = (count) => ids.slice(0, count);
  /** The largest length up to `most` that `fits`. */
  const largest = (most, fits) => {
    let low = 1;
    for (let high = most; low < high; ) {
      const middle = Math.ceil((low + high) / 2);
      if (fits(middle)) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const stepsOf = (query) => recommender.steps({ market: market.name, ...query });
  const whole = Math.min(history, ids.length);
  const explained = (count) => ({ items: first(count), k: explainedK, explain: true });
  const alone = explained(largest(whole, (count) => stepsOf(explained(count)) <= querySteps));
  const each = explained(largest(whole, (count) => batch * stepsOf(explained(count)) <= steps));
  const plain = (count) => ({ items: first(count), k, includeSeen: true });
  const longest = plain(largest(whole, (count) => batch * JSON.stringify(plain(count)).length < bodyBytes - 100));
  const most = largest(batch, (count) => count * stepsOf(longest) <= steps);
  const candidates = first(largest(whole, (count) => batch * JSON.stringify(first(count)).length < bodyBytes - 5000));
  const repeated = (query, count) => ({ queries: Array.from({ length: count }, () => query) });
  return [
    ['one query explained, the longest history', path('recommend'), alone],
    ['a batch explained', path('recommend'), repeated(each, batch)],
    ['a batch of long histories, k = 1,000', path('recommend'), repeated(longest, most)],
    ['a batch of short histories, k = 1,000', path('recommend'), repeated(plain(1), batch)],
    ['a batch of rankings', path('rank'), repeated({ items: first(1), candidates }, batch)],
    [
      'ids that nobody knows',
      path('recommend'),
      repeated({ items: Array.from({ length: 1400 }, (_, i) => `x${i}`) }, 80),
    ],
  ].map(([name, where, body]) => [name, where, JSON.stringify(body)]);
}

/** Processor time in ms that a request holds the event loop at most. */
async function longestSlice(recommender, path, body) {
  const handler = createHandler(recommender);
  const processor = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const longest = [];
  for (let round = 0; round <= ROUNDS; round++) {
    let most = 0;
    let last = processor();
    let over = false;
    const turn = () => {
      const now = processor();
      most = Math.max(most, now - last);
      last = now;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    await handler(new Request(`http://localhost${path}`, init));
    await new Promise((resolve) => setImmediate(resolve));
    over = true;
    if (round > 0) longest.push(most);
  }
  return longest.sort((a, b) => a - b)[ROUNDS >> 1];
}

function start(file) {
  const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
  const child = spawn(process.execPath, [cli, 'serve', file, '--port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  return new Promise((resolve, reject) => {
    let stderr = '';
    const closed = new Promise((end) => child.once('close', end));
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      const found = /at http:\/\/[^:]+:(\d+) until/.exec(stderr);
      if (found) resolve({ port: Number(found[1]), stop: () => child.kill('SIGINT') && closed });
    });
    closed.then(() => reject(new Error(`m3rec serve did not start: ${stderr}`)));
  });
}

/** Milliseconds of so many small requests, one after the other. */
async function measure(port, paths, count) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    const { status } = await send(port, agent, paths[i % paths.length]);
    if (status !== 200) throw new Error(`a small request: status ${status}`);
    times.push(performance.now() - begun);
  }
  agent.destroy();
  return times;
}

function summary(times) {
  const sorted = times.sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) };
}

function send(port, agent, path, body) {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const method = body === undefined ? 'GET' : 'POST';
    const sending = request({ host: '127.0.0.1', port, agent, method, path, headers }, (response) => {
      let length = 0;
      response.on('data', (piece) => {
        length += piece.length;
      });
      response.on('end', () => resolve({ status: response.statusCode, length }));
    });
    sending.once('error', reject);
    sending.end(body);
  });
}

export { worstRequest as 'worst-request' };
