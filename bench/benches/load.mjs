// npm run load [-- --requests N …]: `m3rec serve` in a process of its own under concurrent requests, some of them
// malformed. Every answer is compared with what the recommender says in this process. Writes bench/results/load.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { assembleGenerated, encodeModel, generateMarkets, loadModel, train } from '../../dist/index.js';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { Stream } from '../harness/splitmix64.mjs';

const USAGE = `npm run load -- [options]

  --requests N     how many (50000)
  --concurrency N  under way at once (32)
  --malformed P    per cent of them malformed (10)
  --seed N         of the requests (1)
`;
/** Requests are made, sent and checked in rounds, so that neither side's memory grows with their number. */
const ROUND = 1000;
/**
 * The most that the server's memory may grow from the second quarter of the run (the first warms up) to the last: what
 * its collector leaves lying about.
 */
const GROWTH_LIMIT = 32 * 2 ** 20;
/** The most that what is left after a collection may grow in that time: caches of the engine. */
const LIVE_LIMIT = 2 * 2 ** 20;
const ALONE = 2000;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '50000' },
    concurrency: { type: 'string', default: '32' },
    malformed: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h' },
  },
});
function whole(name, text) {
  if (
    /^\d{1,9}$/.test(text) &&
    Number(text) <= (name === 'malformed' ? 100 : 1e9) &&
    (Number(text) > 0 || name === 'malformed' || name === 'seed')
  )
    return Number(text);
  process.stderr.write(`--${name}: found ${JSON.stringify(text)}, expected an integer\n`);
  process.exit(2);
}

async function load({ requests, concurrency, malformed, seed }) {
  const busy = loadavg()[0];
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-load-'));
  // One a round: while the next round is made, the server may close a connection that is then used again.
  let agent;
  let server;
  try {
    note('training a model on generated markets …');
    const bytes = encodeModel(await makeModel());
    const file = join(folder, 'load.m3rec');
    writeFileSync(file, bytes);
    const recommender = await loadModel(bytes);
    server = await startServer(file);
    const make = new Requests(recommender, seed, malformed, {
      digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
      version: JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version,
    });
    const tags = new Map();
    const tallies = { latencies: [], wrong: [], statuses: {}, kinds: {} };
    const memory = [residentBytes(server.child.pid)];
    /** What is left after all garbage was collected, once everything has been used, and at the end. */
    const live = [];
    const warm = Math.ceil(requests / ROUND / 4) * ROUND;
    let seconds = 0;
    for (let done = 0; done < requests; done += ROUND) {
      const round = Array.from({ length: Math.min(ROUND, requests - done) }, (_, i) => make.next(done + i, tags));
      agent = new Agent({ keepAlive: true, maxSockets: concurrency });
      const started = performance.now();
      await inParallel(concurrency, round, (each) => ask(server, agent, each, tags, tallies));
      seconds += (performance.now() - started) / 1000;
      agent.destroy();
      memory.push(residentBytes(server.child.pid));
      if (done + ROUND === warm) live.push(await server.live());
      if ((done / ROUND) % 5 === 4)
        note(
          `${done + round.length} of ${requests} requests, ${tallies.wrong.length} wrong answers, server memory ${megabytes(memory.at(-1))} MB`,
        );
    }
    // One at a time: what the service itself takes, without waiting for others.
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const alone = { latencies: [], wrong: tallies.wrong, statuses: {}, kinds: {} };
    for (let i = 0; i < Math.min(ALONE, requests); i++)
      await ask(server, agent, make.next(requests + i, tags, true), tags, alone);
    live.push(await server.live());
    const stopped = await server.stop();
    return report({
      requests,
      concurrency,
      malformed,
      seed,
      seconds,
      busy,
      memory,
      live,
      tallies,
      alone,
      stopped,
      bytes: bytes.length,
      recommender,
    });
  } finally {
    agent?.destroy();
    server?.child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Generated markets, every seventh item with an id that URLs and CSV trip over; the whole method with few epochs. */
function makeModel() {
  const data = generateMarkets({ seed: 1, users: 6000, items: 4000, interactions: 90_000 });
  const awkward = [', and more', ' ü%2C+&=#?/', '"\\\u2028', '物品🦊'];
  return train(
    assembleGenerated({
      ...data,
      items: data.items.map((id, i) => (i % 7 === 0 ? id + awkward[(i / 7) % awkward.length] : id)),
    }),
    { seed: 1, epochs: 5 },
  );
}

async function startServer(file) {
  const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
  const collect = new URL('../processes/collect.mjs', import.meta.url).href;
  const args = ['--expose-gc', '--import', collect, cli, 'serve', file, '--port', '0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
  const live = () =>
    new Promise((resolve) => {
      child.once('message', resolve);
      child.send('collect');
    });
  let stderr = '';
  const closed = new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr })));
  const port = await new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      const found = /at http:\/\/127\.0\.0\.1:(\d+) until/.exec(stderr);
      if (found) resolve(Number(found[1]));
    });
    closed.then(() => reject(new Error(`m3rec serve did not start: ${stderr}`)));
  });
  const stop = () => {
    child.kill('SIGINT');
    return closed;
  };
  return { child, port, stop, live };
}

/** Bytes of physical memory that a process has. */
function residentBytes(pid) {
  if (process.platform !== 'linux')
    throw new Error('the memory of another process is read from /proc, which only Linux has');
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

async function inParallel(workers, list, work) {
  let at = 0;
  await Promise.all(
    Array.from({ length: workers }, async () => {
      while (at < list.length) await work(list[at++]);
    }),
  );
}

/** Sends one request and compares the answer with what is expected: status, and body or error code. */
async function ask({ port }, agent, each, tags, { latencies, wrong, statuses, kinds }) {
  const { kind, expected, remember } = each;
  const started = performance.now();
  const answer = await (each.raw === undefined ? send(port, agent, each) : sendRaw(port, each.raw)).catch((error) => ({
    status: 0,
    body: String(error),
    headers: {},
  }));
  if (!each.malformed) latencies.push(performance.now() - started);
  kinds[kind] = (kinds[kind] ?? 0) + 1;
  statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
  if (remember && tags.size < 200) tags.set(remember, { etag: answer.headers.etag, body: expected.body });
  const code = expected.code === undefined ? undefined : parse(answer.body)?.error?.code;
  const right =
    answer.status === expected.status &&
    (expected.code === undefined || code === expected.code) &&
    (expected.body === undefined || answer.body === expected.body) &&
    (expected.length === undefined || answer.headers['content-length'] === expected.length);
  if (!right)
    wrong.push({
      kind,
      request: String(each.raw ?? `${each.method} ${each.path}`).slice(0, 300),
      status: answer.status,
      expected: expected.status,
      body: answer.body.slice(0, 300),
    });
}

function send(port, agent, { method, path, headers, body, chunked }) {
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        host: '127.0.0.1',
        port,
        agent,
        method,
        path,
        headers: { ...headers, ...(body !== undefined && !chunked && { 'content-length': Buffer.byteLength(body) }) },
      },
      (response) => {
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces).toString() }),
        );
        response.on('error', reject);
      },
    );
    sending.on('error', reject);
    sending.end(body);
  });
}

/**
 * Bytes that no HTTP client would send; the server answers, or closes without an answer (status 0 where that is right).
 */
function sendRaw(port, bytes) {
  return new Promise((resolve) => {
    let text = '';
    const finish = () =>
      resolve({
        status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0),
        headers: {},
        body: text.slice(text.indexOf('\r\n\r\n') + 4),
      });
    const socket = connect(port, '127.0.0.1', () =>
      bytes.endsWith('\0') ? socket.write(bytes.slice(0, -1), () => socket.destroy()) : socket.write(bytes),
    );
    socket
      .setEncoding('latin1')
      .on('data', (piece) => {
        text += piece;
      })
      .on('close', finish)
      .on('error', () => {});
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The requests by number, each with the answer that is right. */
class Requests {
  constructor(recommender, seed, malformed, about) {
    this.about = about;
    this.recommender = recommender;
    this.seed = seed;
    this.share = malformed / 100;
    this.markets = recommender.model.markets.map((market) => ({
      ...market,
      ids: Array.from(market.items, (item) => recommender.model.items[item]),
    }));
  }

  next(number, tags, onlyValid = false) {
    const stream = new Stream(this.seed, 7, number);
    let counter = 0;
    this.below = (n) => {
      stream.draw(counter++);
      return stream.below(n);
    };
    this.market = this.pick(this.markets);
    if (!onlyValid && this.below(10_000) < this.share * 10_000)
      return { malformed: true, ...this.pick(MALFORMED)(this) };
    let ticket = this.below(100);
    for (const [share, make] of VALID) {
      if (ticket < share) return make(this, tags);
      ticket -= share;
    }
    throw new Error('the shares of the valid requests sum to less than 100');
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  some(most) {
    return Array.from({ length: this.below(most + 1) }, () =>
      this.below(20) === 0
        ? this.pick(['__proto__', 'constructor', 'no such item', 'toString'])
        : this.pick(this.market.ids),
    );
  }

  user() {
    return this.pick(this.market.users);
  }

  /** A query to recommend, without its market. */
  query(history) {
    const rare = (value) => (this.below(5) === 0 ? value() : undefined);
    return clean({
      ...(this.below(4) === 0 ? { user: this.user() } : { items: this.some(history) }),
      k: rare(() => 1 + this.below(50)),
      only: rare(() => this.some(30)),
      without: rare(() => this.some(10)),
      includeSeen: rare(() => this.below(2) === 0),
      explain: rare(() => 1 + this.below(20)),
    });
  }

  get(operation, query, kind) {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
      for (const each of Array.isArray(value) ? (value.length === 0 ? [''] : value) : [value])
        parameters.append(name, String(each));
    return { kind, method: 'GET', path: `/v1/${this.market.name}/${operation}?${parameters}` };
  }

  post(operation, body, kind) {
    return {
      kind,
      method: 'POST',
      path: `/v1/${this.market.name}/${operation}`,
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
    };
  }

  recommend(query) {
    return this.recommender.recommend({ ...query, market: this.market.name });
  }

  rank({ top, ...query }) {
    return { items: this.recommender.rank({ ...query, market: this.market.name }).slice(0, top) };
  }

  ranking() {
    return clean({
      ...(this.below(2) === 0 ? { user: this.user() } : { items: this.some(20) }),
      candidates: this.some(100),
      top: this.below(2) === 0 ? undefined : 10,
    });
  }
}

const clean = (query) => Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
const right = (value) => ({ status: 200, body: JSON.stringify(value) });

/** Per cent of the valid requests, and how they are made. */
const VALID = [
  [
    45,
    (r) => {
      const query = r.query(20);
      const made = r.get('recommend', query, 'GET recommend');
      return { ...made, expected: right(r.recommend(query)), remember: r.below(10) === 0 ? made.path : undefined };
    },
  ],
  [
    15,
    (r) => {
      const query = { item: r.pick(r.market.ids), k: 1 + r.below(30) };
      return {
        ...r.get('similar', query, 'GET similar'),
        expected: right({ items: r.recommender.similar({ ...query, market: r.market.name }) }),
      };
    },
  ],
  [
    12,
    (r) => {
      const query = r.query(500);
      return { ...r.post('recommend', query, 'POST recommend'), expected: right(r.recommend(query)) };
    },
  ],
  [
    6,
    (r) => {
      const queries = Array.from({ length: r.below(20) }, () => r.query(20));
      return {
        ...r.post('recommend', { queries }, 'POST recommend, batch'),
        chunked: r.below(2) === 0,
        expected: right({ results: queries.map((query) => r.recommend(query)) }),
      };
    },
  ],
  [
    10,
    (r) => {
      const query = r.ranking();
      return { ...r.post('rank', query, 'POST rank'), expected: right(r.rank(query)) };
    },
  ],
  [
    3,
    (r) => {
      const queries = Array.from({ length: r.below(10) }, () => r.ranking());
      return {
        ...r.post('rank', { queries }, 'POST rank, batch'),
        expected: right({ results: queries.map((query) => r.rank(query)) }),
      };
    },
  ],
  [
    5,
    (r, tags) => {
      const [path, known] = r.pick([...tags]) ?? [];
      if (known)
        return {
          kind: 'GET, If-None-Match',
          method: 'GET',
          path,
          headers: { 'if-none-match': known.etag },
          expected: { status: 304, body: '' },
        };
      return { ...r.get('recommend', { items: [] }, 'GET recommend'), expected: right(r.recommend({ items: [] })) };
    },
  ],
  [
    2,
    (r) => {
      const query = r.query(20);
      return {
        ...r.get('recommend', query, 'HEAD recommend'),
        method: 'HEAD',
        expected: { status: 200, body: '', length: String(Buffer.byteLength(JSON.stringify(r.recommend(query)))) },
      };
    },
  ],
  [
    1,
    (r) => ({
      kind: 'GET health',
      method: 'GET',
      path: '/health',
      expected: right({
        status: 'ok',
        model: r.recommender.model.kind,
        markets: r.markets.map(({ name, items, users }) => ({ name, items: items.length, users: users.length })),
        ...r.about,
      }),
    }),
  ],
  [1, () => ({ kind: 'GET openapi.json', method: 'GET', path: '/openapi.json', expected: { status: 200 } })],
];

const wrongGet = (name, search, status, code) => (r) => ({
  kind: name,
  method: 'GET',
  path: `/v1/${r.market.name}/${search}`,
  expected: { status, code },
});
const wrongPath =
  (name, path, status, code, method = 'GET') =>
  () => ({ kind: name, method, path, expected: { status, code } });
const wrongBody = (name, body, status, code, headers, chunked) => (r) => {
  const made = r.post('recommend', typeof body === 'function' ? body(r) : body, name);
  return { ...made, headers: { ...made.headers, ...headers }, chunked, expected: { status, code } };
};
const wrongBytes = (name, raw, status, code) => () => ({ kind: name, raw, expected: { status, code } });
const HEAD = 'Host: localhost\r\nConnection: close\r\n';

const MALFORMED = [
  wrongPath('unknown path', '/v1/us', 404, 'not_found'),
  wrongPath('unknown operation', '/v1/us/__proto__?items=a', 404, 'not_found'),
  wrongPath('unknown market', '/v1/__proto__/recommend?items=a', 404, 'unknown_market'),
  wrongPath('market not UTF-8', '/v1/%ff%fe/recommend?items=a', 400, 'invalid_url'),
  wrongPath('wrong method', '/health', 405, 'method_not_allowed', 'DELETE'),
  wrongGet('unknown user', 'recommend?user=constructor', 404, 'unknown_user'),
  wrongGet('unknown item', 'similar?item=__proto__', 404, 'unknown_item'),
  wrongGet('neither user nor items', 'recommend', 400, 'invalid_argument'),
  wrongGet('user and items', 'recommend?user=a&items=b', 400, 'invalid_argument'),
  wrongGet('empty id', 'recommend?items=a,,b', 400, 'invalid_argument'),
  wrongGet('id too long', `recommend?items=${'x'.repeat(1025)}`, 400, 'invalid_argument'),
  wrongGet('k not a number', 'recommend?items=a&k=ten', 400, 'invalid_argument'),
  wrongGet('k too large', 'recommend?items=a&k=1001', 400, 'invalid_argument'),
  wrongGet('parameter twice', 'recommend?items=a&k=1&k=2', 400, 'invalid_argument'),
  wrongGet('unknown parameter', 'recommend?items=a&__proto__=1', 400, 'invalid_argument'),
  wrongGet('percent without digits', 'recommend?items=100%', 400, 'invalid_url'),
  wrongGet('percent, not UTF-8', 'recommend?items=%ed%a0%80', 400, 'invalid_url'),
  wrongBody('truncated JSON', '{"items":["a"', 400, 'invalid_json'),
  wrongBody('empty body', '', 400, 'invalid_json'),
  wrongBody('NaN', '{"items":[],"k":NaN}', 400, 'invalid_json'),
  wrongBody('body not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'invalid_json'),
  wrongBody(
    'random bytes',
    (r) => Buffer.from(Array.from({ length: 1 + r.below(200) }, () => 128 + r.below(128))),
    400,
    'invalid_json',
  ),
  wrongBody('JSON 50,000 deep', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 400, 'invalid_argument'),
  wrongBody(
    'JSON 50,000 deep in items',
    `{"items":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    400,
    'invalid_argument',
  ),
  wrongBody('own __proto__', '{"items":[],"__proto__":{"k":3}}', 400, 'invalid_argument'),
  wrongBody('wrong type', { items: ['a', 7] }, 400, 'invalid_argument'),
  wrongBody('history too long', { items: Array(10_001).fill('a') }, 400, 'invalid_argument'),
  wrongBody(
    'one bad query in a batch',
    (r) => ({ queries: [...Array.from({ length: 5 }, () => r.query(20)), { items: [], k: 0 }] }),
    400,
    'invalid_argument',
  ),
  wrongBody('batch too long', { queries: Array(101).fill({ items: [] }) }, 400, 'invalid_argument'),
  wrongBody('id of 1 MB', { items: ['x'.repeat(1_000_000)] }, 400, 'invalid_argument'),
  wrongBody('wrong content type', { items: [] }, 415, 'unsupported_media_type', { 'content-type': 'text/plain' }),
  wrongBody('content encoding', { items: [] }, 415, 'unsupported_media_type', { 'content-encoding': 'gzip' }),
  wrongBody('body too large', ' '.repeat(1_100_000), 413, 'body_too_large'),
  wrongBody('body too large, chunked', ' '.repeat(1_100_000), 413, 'body_too_large', {}, true),
  wrongBytes('not HTTP', 'nonsense\r\n\r\n', 400, 'invalid_request'),
  wrongBytes('bad Host', 'GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400, 'invalid_url'),
  wrongBytes(
    'headers too large',
    `GET /health HTTP/1.1\r\n${HEAD}X: ${'x'.repeat(70_000)}\r\n\r\n`,
    431,
    'headers_too_large',
  ),
  wrongBytes('URL with raw bytes', `GET /v1/us/recommend?items=\u00ff\u0001 HTTP/1.1\r\n${HEAD}\r\n`, 400),
  wrongBytes(
    'body cut off',
    `POST /v1/us/recommend HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"items":\0`,
    0,
  ),
];

// --- what came of it ---------------------------------------------------------------------------------------------

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
const count = (n) => n.toLocaleString('en-US');

function percentiles(list) {
  const sorted = Float64Array.from(list).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1) };
}

function median(list) {
  const sorted = Float64Array.from(list).sort();
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function report({
  requests,
  concurrency,
  malformed,
  seed,
  seconds,
  busy,
  memory,
  live,
  tallies,
  alone,
  stopped,
  bytes,
  recommender,
}) {
  const { latencies, wrong, statuses, kinds } = tallies;
  const rounds = memory.slice(1);
  const quarter = Math.ceil(rounds.length / 4);
  const [warm, last] = [median(rounds.slice(quarter, 2 * quarter)), median(rounds.slice(-quarter))];
  // A few rounds say nothing about growth.
  const growth = rounds.length >= 8 ? last - warm : undefined;
  const left = live.map(({ heapUsed, external }) => heapUsed + external);
  const kept = left.length > 1 ? left.at(-1) - left[0] : 0;
  const flat = (growth === undefined || growth <= GROWTH_LIMIT) && kept <= LIVE_LIMIT;
  const cleanly = stopped.code === 0;
  const latency = { concurrent: percentiles(latencies), alone: percentiles(alone.latencies) };
  const row = (name, n, { p50, p95, p99, max }) => [name, count(n), ...[p50, p95, p99, max].map((ms) => ms.toFixed(2))];
  const items = recommender.model.markets.map((market) => market.items.length);
  const blocks = [
    `${count(requests)} requests, ${concurrency} at once, ${malformed} % malformed (${MALFORMED.length} kinds), seed ${seed}, over HTTP to \`m3rec serve\` in a process of its own; model: generated, ${recommender.markets.length} markets of ${count(Math.min(...items))} to ${count(Math.max(...items))} items, ${recommender.model.dim} dimensions, ${megabytes(bytes)} MB. Every answer was compared with the recommender's own.`,
    `**${wrong.length} wrong answers.** ${count(Math.round(requests / seconds))} requests a second, client and server on the same machine, whose load average was ${busy.toFixed(1)} when the run began.`,
    table(
      ['latency of valid requests, ms', 'requests', 'p50', 'p95', 'p99', 'max'],
      [
        row(`${concurrency} at once, waiting included`, latencies.length, latency.concurrent),
        row('one at a time', alone.latencies.length, latency.alone),
      ],
    ),
    `Server memory (resident): ${megabytes(memory[0])} MB idle, ${growth === undefined ? '' : `${megabytes(warm)} MB in the second quarter of the run, ${megabytes(last)} MB in the last (medians: ${growth < 0 ? '' : '+'}${megabytes(growth)} MB), `}${megabytes(Math.max(...memory))} MB at most. After each ${count(ROUND)} requests, MB: ${rounds.map((each) => (each / 1e6).toFixed(0)).join(' ')}.`,
    `What is left of it once all garbage is collected (heap and buffers, without code and linear memory's own pages): ${left.map((each) => megabytes(each)).join(' MB after a quarter of the run, ')} MB at its end. The rest of the resident memory is what the collector has not returned yet.`,
    table(
      ['status', 'answers'],
      Object.entries(statuses).map(([status, n]) => [status === '0' ? 'none (client left)' : status, count(n)]),
    ),
    table(
      ['request', 'sent'],
      Object.entries(kinds)
        .sort(([, a], [, b]) => b - a)
        .map(([kind, n]) => [kind, count(n)]),
    ),
  ];
  show(`load: ${describe(machine())}`);
  for (const block of blocks) show(block);
  for (const each of wrong.slice(0, 20)) note(`wrong: ${JSON.stringify(each)}`);
  if (!flat)
    note(
      `the server's memory grew by ${megabytes(growth)} MB from the second quarter of the run to the last, more than ${megabytes(GROWTH_LIMIT)} MB`,
    );
  if (!cleanly) note(`the server ended with code ${stopped.code}: ${stopped.stderr}`);
  save('load', 'Load', blocks, {
    requests,
    concurrency,
    malformed,
    seed,
    wrong: wrong.length,
    requestsPerSecond: requests / seconds,
    loadAverage: busy,
    latencyMs: latency,
    memoryBytes: memory,
    liveBytes: live,
    statuses,
    kinds,
  });
  return wrong.length === 0 && flat && cleanly ? 0 : 1;
}

// At the end: what is above must be there.
if (values.help) process.stdout.write(USAGE);
else
  process.exitCode = await load(
    Object.fromEntries(
      ['requests', 'concurrency', 'malformed', 'seed'].map((name) => [name, whole(name, values[name])]),
    ),
  );
