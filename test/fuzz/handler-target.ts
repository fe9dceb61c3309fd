// The HTTP handler: whatever the request, it resolves with a status that fits, JSON in one shape, and where it answers
// 200 the answer that the library itself gives. 500 and 503 are failures: no request may lead there.
import { encodeModel } from '../../src/models/file.ts';
import { loadModel } from '../../src/models/load.ts';
import type { Recommender } from '../../src/models/recommender.ts';
import { createHandler, type Handler } from '../../src/serve/handler.ts';
import { fullModel } from '../support/small-model.ts';
import { Choices, check, type Outcome, pick, type Random, randomBytes, type Target, within } from './engine.ts';

/** Small, so that cases go beyond them. */
const LIMITS = {
  bodyBytes: 20_000,
  urlLength: 4000,
  history: 50,
  ids: 40,
  idLength: 100,
  k: 60,
  explainedK: 12,
  reasons: 5,
  batch: 8,
};
const EXPECTED = new Set([200, 204, 304, 400, 404, 405, 413, 414, 415, 422]);

let recommender: Recommender;
let withoutUsers: Recommender;
let handlers: [Handler, Recommender][] = [];
const reported: unknown[] = [];

export const handlerTarget: Target = {
  name: 'handler',
  share: 1 / 8,
  shrinks: true,
  async prepare() {
    const model = fullModel();
    recommender = await loadModel(encodeModel(model));
    withoutUsers = await loadModel(
      encodeModel({ ...model, markets: model.markets.map(({ users, seenItems, userVectors, ...market }) => market) }),
    );
    const onError = (error: unknown) => reported.push(error);
    handlers = [
      [createHandler(recommender, { limits: LIMITS, cors: '*', onError }), recommender],
      [createHandler(withoutUsers, { limits: LIMITS, cors: ['https://shop.example'], onError }), withoutUsers],
    ];
    // Loaded before the first case, which would otherwise be slow.
    for (const [handler] of handlers) await handler(new Request('http://host/health'));
  },
  make: (random: Random) => randomBytes(random, 80),
  run: (input) => within(4 * 2 ** 20, () => runHandler(new Choices(input))),
};

const MARKETS = [
  'm3',
  'm%31',
  '__proto__',
  'constructor',
  'toString',
  '',
  '..',
  '%2e%2e',
  '%',
  '%ff',
  '%00',
  'a/b',
  'a%2Fb',
  '🦊',
  'm1%0a',
  'x'.repeat(5000),
];
const OPERATIONS = ['explain', '__proto__', 'constructor', 'recommend/', 'RECOMMEND', ''];
const PATHS = [
  '/health',
  '/openapi.json',
  '/',
  '',
  '/v1',
  '/v1/',
  '/v2/m1/recommend',
  '//v1/m1/recommend',
  '/v1/m1/recommend/x',
  '/health/',
  '/%',
  '/__proto__',
  '/health?x=1',
  '/openapi.json?__proto__=1',
];
const NAMES = [
  'items',
  'items',
  'user',
  'item',
  'k',
  'only',
  'without',
  'includeSeen',
  'explain',
  'candidates',
  'top',
  'queries',
  '__proto__',
  'constructor',
  'toString',
  'market',
  '',
  'K',
  'items[]',
];
const IDS = [
  'a',
  'b',
  'd',
  'e',
  'naïve',
  '物品',
  '🦊',
  '__proto__',
  'constructor',
  'toString',
  'u1',
  'x',
  'no such item',
  '',
  'y'.repeat(101),
  '\n',
  '\u0000',
  '\ud800',
  'a,b',
  '<script>',
  '%',
  '+',
  ' ',
];
const TEXTS = [
  '',
  '0',
  '1',
  '5',
  '60',
  '61',
  '-1',
  '1.5',
  '1e3',
  'NaN',
  'Infinity',
  '999999999999999',
  '9'.repeat(400),
  'true',
  'false',
  'null',
  'a',
  'a,b',
  'a,,b',
  '%',
  '%zz',
  '%ff',
  '%00',
  '%2C',
  '+',
  'a%2Cb,c',
  '[]',
  '{}',
  '__proto__',
];
const METHODS = ['HEAD', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'FOO', 'get'];
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset="UTF-8"',
  'application/json; charset=utf-16',
  'text/plain',
  '',
  'application/jsonp',
  'multipart/form-data; boundary=x',
  'APPLICATION/JSON',
];

function url(choices: Random, method: string): string {
  if (choices.below(8) === 0) return pick(choices, PATHS);
  const parameters = Array.from(
    { length: pick(choices, [0, 0, 1, 2, 4]) },
    () =>
      `${pick(choices, NAMES)}${pick(choices, ['=', '=', '=', '', '=='])}${choices.below(2) === 0 ? Array.from({ length: choices.below(4) }, () => encode(pick(choices, IDS))).join(',') : pick(choices, TEXTS)}`,
  );
  // Half of the time, ones that are right.
  const right =
    method === 'POST'
      ? [[]]
      : [
          ['items=a,b', 'k=3'],
          ['user=u1', 'explain=2'],
          ['item=a'],
          ['items=', 'includeSeen'],
          ['items=%E7%89%A9%E5%93%81', 'only=a,b,e'],
        ];
  if (choices.below(2) === 0) parameters.splice(0, 4, ...pick(choices, right));
  const market = choices.below(8) === 0 ? pick(choices, MARKETS) : pick(choices, ['m1', 'm2', 'm1']);
  const operation =
    choices.below(10) === 0
      ? pick(choices, OPERATIONS)
      : pick(choices, method === 'POST' ? ['recommend', 'rank'] : ['recommend', 'similar']);
  return `/v1/${market}/${operation}${parameters.length > 0 ? `?${parameters.join('&')}` : ''}`;
}

/** encodeURIComponent refuses half of a surrogate pair, which a URL may still be given as. */
const encode = (id: string) => (id === '\ud800' ? id : encodeURIComponent(id));

function value(choices: Random, depth = 0): unknown {
  switch (choices.below(10)) {
    case 0:
      return pick(choices, [0, 1, 3, 60, 61, -1, 1.5, 1e308, 2 ** 31, 2 ** 53, -0]);
    case 1:
      return pick(choices, [null, true, false, '', 'a', '__proto__']);
    case 2:
      return depth > 3 ? [] : Array.from({ length: choices.below(4) }, () => value(choices, depth + 1));
    case 3:
      return depth > 3 ? {} : query(choices, depth + 1);
    case 4:
      return Array.from({ length: pick(choices, [0, 1, 5, 40, 41, 51]) }, (_, i) =>
        i % 2 === 0 ? pick(choices, IDS) : `i${i}`,
      );
    default:
      return Array.from({ length: choices.below(5) }, () => pick(choices, IDS));
  }
}

function query(choices: Random, depth = 0): Record<string, unknown> {
  const base = pick(choices, [
    {},
    { items: ['a', 'b'] },
    { items: ['a', 'b'], k: 4 },
    { user: 'u1', explain: true, k: 3 },
    { items: ['a'], candidates: ['e', 'd', '__proto__'] },
    { user: '__proto__', candidates: ['a', 'a', 'zz'], top: 2 },
    { items: [], without: ['a'] },
  ]);
  const result: Record<string, unknown> = { ...base };
  for (let changes = pick(choices, [0, 0, 1, 2]); changes > 0; changes--)
    Object.defineProperty(result, pick(choices, NAMES), {
      value: value(choices, depth),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return result;
}

/** JSON that is deep, long, doubled or broken, or just a query. */
function body(choices: Random): string | Uint8Array {
  switch (choices.below(12)) {
    case 0:
      return pick(choices, [
        '',
        ' ',
        '{',
        'null',
        '1',
        '"x"',
        '[]',
        '{"items":',
        '{"items":["a"]}x',
        '\ufeff{"items":["a"]}',
        '{"k":1e999,"items":[]}',
        '{"__proto__":{"items":["a"]}}',
        '{"items":["a"],"items":["b"]}',
        '{"queries":{"length":3}}',
        '{"queries":[],"k":1}',
        '{"items":{"__proto__":[]}}',
        'NaN',
        "{'items':[]}",
      ]);
    case 1:
      return pick(choices, [
        '['.repeat(15_000),
        `${'['.repeat(9000)}${']'.repeat(9000)}`,
        '{"a":'.repeat(3900),
        `{"items":${'['.repeat(9000)}${']'.repeat(9000)}}`,
        `{"queries":[${'{"queries":['.repeat(1000)}`,
      ]);
    case 2:
      return pick(choices, [
        Uint8Array.of(0xff),
        Uint8Array.of(0x7b, 0xed, 0xa0, 0x80, 0x7d),
        Uint8Array.of(0xff, 0xfe, 0x7b, 0),
        Uint8Array.of(0x1f, 0x8b, 8),
        new Uint8Array(20_001),
        new Uint8Array(20_000),
      ]);
    case 3:
      return `{"items":[${'"x",'.repeat(pick(choices, [40, 50, 51, 4990, 5100]))}"y"]}`;
    case 4:
      return JSON.stringify({ items: ['z'.repeat(pick(choices, [99, 100, 101, 19_000, 25_000]))] });
    case 5:
    case 6:
      return JSON.stringify({ queries: Array.from({ length: pick(choices, [0, 1, 2, 8, 9]) }, () => query(choices)) });
    default:
      return JSON.stringify(query(choices));
  }
}

function request(choices: Random): { request: Request; text?: string } {
  const method = choices.below(6) === 0 ? pick(choices, METHODS) : pick(choices, ['GET', 'POST', 'POST']);
  const headers = new Headers();
  const set = (name: string, texts: readonly string[], often: number) => {
    if (choices.below(often) === 0) headers.set(name, pick(choices, texts));
  };
  set('if-none-match', ['*', '""', 'W/"x"', '"a","b"', '"0"', ','.repeat(3000)], 6);
  set('origin', ['https://shop.example', 'null', 'http://other.example', ''], 4);
  set('access-control-request-method', ['POST', 'FOO'], 4);
  set('content-encoding', ['gzip', 'identity', 'br', ''], 12);
  const init: RequestInit & { duplex?: 'half' } = { method, headers };
  let text: string | undefined;
  if (!/^(get|head)$/i.test(method) && choices.below(8) > 0) {
    headers.set('content-type', choices.below(6) === 0 ? pick(choices, TYPES) : TYPES[0]);
    const content = body(choices);
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    if (typeof content === 'string') text = content;
    set('content-length', ['0', '5', '999999999', '-1', 'many', String(bytes.length)], 6);
    const way = choices.below(4);
    init.body = way === 0 ? stream(bytes, 1 + choices.below(5000), choices.below(6) === 0) : (bytes as BodyInit);
    if (way === 0) init.duplex = 'half';
  }
  return { request: new Request(`http://host${url(choices, method)}`, init), text };
}

/** In pieces, perhaps broken off. */
function stream(bytes: Uint8Array, size: number, breaks: boolean): ReadableStream {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (breaks && at >= bytes.length / 2) controller.error(new Error('broken off'));
      else if (at >= bytes.length) controller.close();
      else {
        controller.enqueue(bytes.slice(at, at + size));
        at += size;
      }
    },
  });
}

async function runHandler(choices: Choices): Promise<Outcome> {
  const [handler, its] = pick(choices, handlers);
  const { request: asked, text } = request(choices);
  const again = asked.body === null ? new Request(asked.url, asked) : undefined;
  const what = `${asked.method} ${asked.url.slice(0, 300)} ${text?.slice(0, 300) ?? ''}`;
  const used = its.kernels.memory.used;
  const response = await handler(asked);
  const { status, headers } = response;
  check(reported.length === 0, `${what}: ${String(reported.pop())}`);
  check(EXPECTED.has(status), `${what}: status ${status}`);
  check(its.kernels.memory.used === used, `${what}: something stayed behind in linear memory`);
  const content = await response.text();
  if (status === 204 || status === 304 || asked.method === 'HEAD')
    check(content === '', `${what}: a body with status ${status}`);
  else await checkBody(what, asked, status, headers, content, its, text);
  if (again && status === 200) await checkAgain(what, handler, again, headers, content);
  return { kind: String(status) };
}

async function checkBody(
  what: string,
  asked: Request,
  status: number,
  headers: Headers,
  content: string,
  its: Recommender,
  text: string | undefined,
): Promise<void> {
  check(
    headers.get('content-type') === 'application/json' &&
      headers.get('content-length') === String(new TextEncoder().encode(content).length),
    `${what}: type or length of the answer`,
  );
  const answer = JSON.parse(content);
  if (status !== 200) {
    const { code, message } = answer.error;
    check(
      /^[a-z_]+$/.test(code) && typeof message === 'string' && message.length > 5 && message.length < 2000,
      `${what}: ${content.slice(0, 500)}`,
    );
    check(
      !/\p{Cc}/u.test(message) && !/\bat .*:\d+:\d+|node_modules|\.ts\b/.test(message),
      `${what}: a message that shows too much: ${message}`,
    );
    return;
  }
  check(!/"score":null|NaN|Infinity/.test(content), `${what}: a score that is no number: ${content.slice(0, 300)}`);
  if (asked.method !== 'POST') return;
  const [, , market, operation] = new URL(asked.url).pathname.split('/').map(decodeURIComponent);
  const given = JSON.parse(text!.replace(/^\ufeff/, ''));
  const direct = (each: Record<string, unknown>) => {
    const { top, ...rest } = each;
    if (operation === 'rank')
      return { items: its.rank({ ...rest, market } as never).slice(0, top as number | undefined) };
    const k = rest.k ?? 10;
    return its.recommend({ ...rest, market, k, ...(rest.explain === true && { explain: LIMITS.reasons }) } as never);
  };
  const expected = Object.hasOwn(given, 'queries') ? { results: given.queries.map(direct) } : direct(given);
  check(
    content === JSON.stringify(expected),
    `${what}: ${content.slice(0, 300)} where the library answers ${JSON.stringify(expected).slice(0, 300)}`,
  );
}

/** The same request gets the same answer; with its ETag, 304. */
async function checkAgain(
  what: string,
  handler: Handler,
  again: Request,
  headers: Headers,
  content: string,
): Promise<void> {
  const etag = headers.get('etag');
  if (etag === null) return;
  const conditional = new Headers(again.headers);
  conditional.set('if-none-match', etag);
  const unchanged = await handler(new Request(again, { headers: conditional }));
  check(
    unchanged.status === 304 && unchanged.headers.get('etag') === etag,
    `${what}: ${unchanged.status} with its own ETag`,
  );
  const second = await (await handler(again)).text();
  check(second === content, `${what}: another answer the second time`);
}
