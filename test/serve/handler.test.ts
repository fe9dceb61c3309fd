import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ArgumentError } from '../../src/common/errors.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { encodeModel } from '../../src/models/file.ts';
import { loadModel } from '../../src/models/load.ts';
import type { Recommender } from '../../src/models/recommender.ts';
import type { RecommendQuery } from '../../src/recommend/query.ts';
import { createHandler, type Handler, type ServeOptions } from '../../src/serve/handler.ts';
import { fullModel } from '../support/small-model.ts';

/**
 * As fullModel, with an id that has a comma, a market whose name needs encoding, and one market saved without users.
 */
function servedModel() {
  const model = fullModel();
  model.items = model.items.map((item) => (item === 'b' ? 'b, c&d=+%' : item)).sort();
  model.markets[1].name = 'm2/ü +';
  model.itemData = { title: model.items.map((item) => `Item ${item}`) };
  const { users: _users, seenItems: _seenItems, userVectors: _vectors, ...rest } = model.markets[2];
  model.markets[2] = rest;
  return model;
}

const COMMA = 'b, c&d=+%';
const M2 = encodeURIComponent('m2/ü +');
const bytes = encodeModel(servedModel());
let recommender: Recommender;
let handle: Handler;
let validateAs: (name: string, value: unknown) => boolean;
beforeAll(async () => {
  recommender = await loadModel(bytes);
  handle = createHandler(recommender);
  const { components } = await json(await handle(get('/openapi.json')));
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'http://m3rec/', components });
  validateAs = (name, value) => ajv.validate(`http://m3rec/#/components/schemas/${name}`, value) as boolean;
});

const get = (path: string, init?: RequestInit) => new Request(`http://localhost${path}`, init);
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  get(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  });
// biome-ignore lint/suspicious/noExplicitAny: whatever the answer holds
const json = async (response: Response): Promise<any> => JSON.parse(await response.text());

/** The value of an answer that must be a 200 of the described form. */
async function ok(request: Request, schema: string, on = handle) {
  const response = await on(request);
  const value = await json(response.clone());
  expect([response.status, value.error]).toEqual([200, undefined]);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('content-length')).toBe(String((await response.arrayBuffer()).byteLength));
  for (const each of 'results' in value ? value.results : [value])
    expect([validateAs(schema, each), each]).toEqual([true, each]);
  return value;
}

async function fails(request: Request, status: number, code: string, argument?: string, on = handle): Promise<string> {
  const response = await on(request);
  const value = await json(response.clone());
  expect(value).toMatchObject({ error: { code } });
  expect([response.status, value.error.argument]).toEqual([status, argument]);
  expect(validateAs('Error', value)).toBe(true);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('etag')).toBe(null);
  return value.error.message;
}

/** A market's query, as URLSearchParams writes it: lists by repeating the parameter. */
function search(query: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const values = Array.isArray(value) ? value : [value];
    for (const each of values.length === 0 ? [''] : values) parameters.append(name, String(each));
  }
  return parameters.toString();
}

const QUERIES: Omit<RecommendQuery, 'market'>[] = [
  { items: ['a', 'd', 'e'] },
  { items: [] },
  { items: ['__proto__', 'constructor', 'toString', '物品', '🦊', 'naïve'], k: 1 },
  { items: [COMMA, 'a', 'a', 'nothing of the kind'], includeSeen: true },
  { items: [COMMA], without: ['a', COMMA, '物品'] },
  { items: ['a'], only: ['d', COMMA, 'e'], k: 2 },
  { items: ['a'], only: [] },
  { items: ['hasOwnProperty', '__proto__'], explain: 2, k: 3 },
  { user: '__proto__', explain: 20 },
  { user: 'ü', k: 1000, includeSeen: false },
] as Omit<RecommendQuery, 'market'>[];

describe('recommend, similar and rank', () => {
  it.each(QUERIES)('answers %j by GET and POST as the recommender does', async (query) => {
    const expected = recommender.recommend({ ...query, market: 'm1' } as RecommendQuery);
    expect(await ok(get(`/v1/m1/recommend?${search(query as never)}`), 'Recommendations')).toEqual(expected);
    expect(await ok(post('/v1/m1/recommend', query), 'Recommendations')).toEqual(expected);
  });

  it('reads commas between ids, %2C inside them, percent and plus', async () => {
    const expected = (items: string[]) => recommender.recommend({ market: 'm1', items });
    for (const text of [
      'items=a,d',
      'items=a&items=d',
      'items=%61,%64',
      'ite%6Ds=a,d',
      '&items=a,d&',
      'items=&items=a,d',
    ]) {
      expect(await ok(get(`/v1/m1/recommend?${text}`), 'Recommendations')).toEqual(expected(['a', 'd']));
    }
    const encoded = encodeURIComponent(COMMA);
    expect(await ok(get(`/v1/m1/recommend?items=a,${encoded}`), 'Recommendations')).toEqual(expected(['a', COMMA]));
    expect(await ok(get(`/v1/m1/recommend?items=${encoded.replaceAll('%20', '+')}`), 'Recommendations')).toEqual(
      expected([COMMA]),
    );
    expect((await ok(get('/v1/m1/recommend?items=a%2Cd'), 'Recommendations')).unknownItems).toEqual(['a,d']);
    expect(await ok(get('/v1/m1/recommend?items='), 'Recommendations')).toEqual(expected([]));
    expect(await ok(get('/v1/m1/recommend?items=a&includeSeen&explain'), 'Recommendations')).toEqual(
      recommender.recommend({ market: 'm1', items: ['a'], includeSeen: true, explain: 20 }),
    );
    expect(await ok(get('/v1/m1/recommend?items=a&includeSeen=false&explain=false'), 'Recommendations')).toEqual(
      expected(['a']),
    );
    const m2 = recommender.recommend({ market: 'm2/ü +', user: 'x' });
    for (const name of [M2, 'm2%2fü%20+'])
      expect(await ok(get(`/v1/${name}/recommend?user=x`), 'Recommendations')).toEqual(m2);
  });

  it('answers a batch in its order, and none of it where one query is wrong', async () => {
    const queries = QUERIES.filter((query) => query.explain === undefined);
    expect(await ok(post('/v1/m1/recommend', { queries }), 'Recommendations')).toEqual({
      results: recommender.recommendBatch(queries.map((query) => ({ ...query, market: 'm1' }) as RecommendQuery)),
    });
    expect(await ok(post('/v1/m1/recommend', { queries: [] }), 'Recommendations')).toEqual({ results: [] });
    await fails(
      post('/v1/m1/recommend', { queries: [...queries, { items: ['a', 7] }] }),
      400,
      'invalid_argument',
      `queries[${queries.length}].items[1]`,
    );
    await fails(
      post('/v1/m1/recommend', { queries: [{ items: [] }, { user: 'nobody' }] }),
      404,
      'unknown_user',
      'queries[1].user',
    );
    await fails(post('/v1/m1/recommend', { queries: [[]] }), 400, 'invalid_argument', 'queries[0]');
    await fails(post('/v1/m1/recommend', { queries: {} }), 400, 'invalid_argument', 'queries');
    await fails(post('/v1/m1/recommend', { queries: [], k: 3 }), 400, 'invalid_argument', 'k');
    await fails(
      post('/v1/m1/recommend', { queries: [{ queries: [] }] }),
      400,
      'invalid_argument',
      'queries[0].queries',
    );
  });

  it('lists similar items', async () => {
    expect(await ok(get('/v1/m1/similar?item=a'), 'SimilarItems')).toEqual({
      items: recommender.similar({ market: 'm1', item: 'a' }),
    });
    for (const item of ['__proto__', COMMA, '🦊']) {
      expect(await ok(get(`/v1/m1/similar?${search({ item, k: 2 })}`), 'SimilarItems')).toEqual({
        items: recommender.similar({ market: 'm1', item, k: 2 }),
      });
    }
  });

  it('ranks candidates', async () => {
    const candidates = ['nothing', 'e', COMMA, '__proto__', 'e', '物品'];
    const first = { user: 'u1', candidates };
    const second = { items: ['a', 'd'], candidates };
    const ranked = (query: typeof first | typeof second) => ({ items: recommender.rank({ ...query, market: 'm1' }) });
    expect(await ok(post('/v1/m1/rank', first), 'Ranking')).toEqual(ranked(first));
    expect((await ok(post('/v1/m1/rank', { ...first, top: 2 }), 'Ranking')).items).toEqual(
      ranked(first).items.slice(0, 2),
    );
    expect(await ok(post('/v1/m1/rank', { queries: [second, first] }), 'Ranking')).toEqual({
      results: [ranked(second), ranked(first)],
    });
  });
});

describe('what is wrong is said with the right status', () => {
  it.each<[string, number, string, string?]>([
    ['/', 404, 'not_found'],
    ['/v1', 404, 'not_found'],
    ['/v1/m1', 404, 'not_found'],
    ['/v1/m1/recommend/', 404, 'not_found'],
    ['/v1/m1/recommend/x', 404, 'not_found'],
    ['/v2/m1/recommend?items=a', 404, 'not_found'],
    ['/v1/m1/__proto__?items=a', 404, 'not_found'],
    ['/v1/m1/constructor', 404, 'not_found'],
    ['/health/', 404, 'not_found'],
    ['/v1//recommend?items=a', 404, 'unknown_market', 'market'],
    ['/v1/__proto__/recommend?items=a', 404, 'unknown_market', 'market'],
    ['/v1/m%31/recommend?items=a', 200, ''],
    ['/v1/m1%/recommend?items=a', 400, 'invalid_url', 'market'],
    ['/v1/%ff/recommend?items=a', 400, 'invalid_url', 'market'],
    ['/v1/m1/recommend', 400, 'invalid_argument', 'user, items'],
    ['/v1/m1/recommend?user=u1&items=a', 400, 'invalid_argument', 'user, items'],
    ['/v1/m1/recommend?user=u1&user=u1', 400, 'invalid_argument', 'user'],
    ['/v1/m1/recommend?user=', 400, 'invalid_argument', 'user'],
    ['/v1/m1/recommend?user=nobody', 404, 'unknown_user', 'user'],
    ['/v1/m1/recommend?user=constructor', 404, 'unknown_user', 'user'],
    ['/v1/m3/recommend?user=u1', 422, 'no_users', 'user'],
    ['/v1/m1/recommend?items=a,,b', 400, 'invalid_argument', 'items[1]'],
    ['/v1/m1/recommend?items=%', 400, 'invalid_url', 'items'],
    ['/v1/m1/recommend?items=a,%ed%a0%80', 400, 'invalid_url', 'items'],
    ['/v1/m1/recommend?%=a', 400, 'invalid_url', 'a parameter'],
    ['/v1/m1/recommend?items=a&q=1', 400, 'invalid_argument', 'q'],
    ['/v1/m1/recommend?items=a&__proto__=1', 400, 'invalid_argument', '__proto__'],
    ['/v1/m1/recommend?items=a&toString', 400, 'invalid_argument', 'toString'],
    ['/v1/m1/recommend?items=a&k=2&k=2', 400, 'invalid_argument', 'k'],
    ...['', '0', '-1', '1.5', '1e1', '1001', '0x10', ' 5', '99999999999999999999', 'NaN', 'Infinity', 'true'].map(
      (k): [string, number, string, string] => [`/v1/m1/recommend?items=a&k=${k}`, 400, 'invalid_argument', 'k'],
    ),
    ['/v1/m1/recommend?items=a&includeSeen=yes', 400, 'invalid_argument', 'includeSeen'],
    ['/v1/m1/recommend?items=a&explain=0', 400, 'invalid_argument', 'explain'],
    ['/v1/m1/recommend?items=a&explain=21', 400, 'invalid_argument', 'explain'],
    ['/v1/m1/recommend?items=a&explain&k=101', 400, 'invalid_argument', 'k'],
    ['/v1/m1/recommend?items=a&only=,', 400, 'invalid_argument', 'only[0]'],
    [`/v1/m1/recommend?items=${'x'.repeat(1025)}`, 400, 'invalid_argument', 'items[0]'],
    [`/v1/m1/recommend?items=${'x'.repeat(17_000)}`, 414, 'url_too_long'],
    ['/v1/m1/similar', 400, 'invalid_argument', 'item'],
    ['/v1/m1/similar?item=z', 404, 'unknown_item', 'item'],
    ['/v1/m1/similar?item=hasOwnProperty', 404, 'unknown_item', 'item'],
    ['/v1/m1/similar?items=a', 400, 'invalid_argument', 'items'],
    ['/v1/m1/rank?items=a&candidates=b', 405, 'method_not_allowed'],
    ['/health?x', 400, 'invalid_argument', 'x'],
    ['/openapi.json?x=1', 400, 'invalid_argument', 'x'],
  ])('GET %.60s: %i %s %s', async (path, status, code, argument) => {
    if (status === 200) await ok(get(path), 'Recommendations');
    else await fails(get(path), status, code, argument);
  });

  it.each<[unknown, number, string, string?]>([
    ['', 400, 'invalid_json'],
    ['{', 400, 'invalid_json'],
    ['{"items":[NaN]}', 400, 'invalid_json'],
    [Uint8Array.of(0x22, 0xff, 0x22), 400, 'invalid_json'],
    ['['.repeat(400_000), 400, 'invalid_json'],
    [`${'['.repeat(400_000)}${']'.repeat(400_000)}`, 400, 'invalid_argument', 'body'],
    [`{"items":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, 400, 'invalid_argument', 'items[0]'],
    ['null', 400, 'invalid_argument', 'body'],
    [[], 400, 'invalid_argument', 'body'],
    [7, 400, 'invalid_argument', 'body'],
    [{}, 400, 'invalid_argument', 'user, items'],
    ['{"__proto__":{"items":["a"]}}', 400, 'invalid_argument', '__proto__'],
    ['{"items":["a"],"__proto__":1}', 400, 'invalid_argument', '__proto__'],
    ['{"items":["a"],"constructor":{"prototype":{}}}', 400, 'invalid_argument', 'constructor'],
    [{ items: null }, 400, 'invalid_argument', 'items'],
    [{ items: 'a' }, 400, 'invalid_argument', 'items'],
    [{ items: { length: 1 } }, 400, 'invalid_argument', 'items'],
    [{ items: [null] }, 400, 'invalid_argument', 'items[0]'],
    [{ items: [''] }, 400, 'invalid_argument', 'items[0]'],
    [{ items: ['x'.repeat(1025)] }, 400, 'invalid_argument', 'items[0]'],
    [{ items: Array(10_001).fill('a') }, 400, 'invalid_argument', 'items'],
    [{ items: [], without: Array(10_001).fill('a') }, 400, 'invalid_argument', 'without'],
    [{ items: [], k: '3' }, 400, 'invalid_argument', 'k'],
    ['{"items":[],"k":1e400}', 400, 'invalid_argument', 'k'],
    [{ items: [], k: null }, 400, 'invalid_argument', 'k'],
    [{ items: [], includeSeen: 1 }, 400, 'invalid_argument', 'includeSeen'],
    [{ items: [], explain: 'true' }, 400, 'invalid_argument', 'explain'],
    [{ items: [], market: 'm2' }, 400, 'invalid_argument', 'market'],
    [{ items: [], candidates: [] }, 400, 'invalid_argument', 'candidates'],
    [{ queries: Array(101).fill({ items: [] }) }, 400, 'invalid_argument', 'queries'],
    [`"${'x'.repeat(1 << 20)}"`, 413, 'body_too_large'],
  ])('POST body %#: %i %s %s', async (body, status, code, argument) => {
    await fails(post('/v1/m1/recommend', body), status, code, argument);
    await fails(post('/v1/m1/recommend?k=3', body), 400, 'invalid_argument', 'k');
  });

  it('names what is wrong in one line', async () => {
    expect(await fails(get('/v1/m4/recommend?items=a'), 404, 'unknown_market', 'market')).toBe(
      'market: found "m4", expected one of "m1", "m2/ü +", "m3"',
    );
    expect(await fails(get('/v1/m1/recommend?items=a&k=x'), 400, 'invalid_argument', 'k')).toBe(
      'k: found "x", expected an integer from 1 to 1000',
    );
    expect(await fails(get('/v1/m1/recommend?items=a&kk=1'), 400, 'invalid_argument', 'kk')).toBe(
      'kk: no such parameter here: expected items, user, k, properties, only, without, includeSeen, explain',
    );
    expect(await fails(post('/v1/m1/rank', { user: 'u1' }), 400, 'invalid_argument', 'candidates')).toBe(
      'candidates: missing, expected ids',
    );
    expect(await fails(get('/v1/m1/recommend'), 400, 'invalid_argument', 'user, items')).toBe(
      'user, items: found neither, expected one of them',
    );
  });

  it('takes JSON in UTF-8 only', async () => {
    const body = '{"items":["a"]}';
    for (const type of ['application/json', 'Application/JSON ; charset="UTF-8"', 'application/json;charset=utf8'])
      await ok(post('/v1/m1/recommend', body, { 'content-type': type }), 'Recommendations');
    for (const type of [
      'text/plain',
      'application/jsonp',
      'application/json; charset=latin1',
      'application/x-www-form-urlencoded',
    ]) {
      await fails(
        post('/v1/m1/recommend', body, { 'content-type': type }),
        415,
        'unsupported_media_type',
        'content-type',
      );
    }
    await fails(
      get('/v1/m1/recommend', { method: 'POST', body: Uint8Array.of(123, 125) }),
      415,
      'unsupported_media_type',
      'content-type',
    );
    await fails(
      post('/v1/m1/recommend', body, { 'content-encoding': 'gzip' }),
      415,
      'unsupported_media_type',
      'content-encoding',
    );
    await fails(
      get('/v1/m1/recommend', { method: 'POST', headers: { 'content-type': 'application/json' } }),
      400,
      'invalid_json',
    );
  });

  it('stops reading a body at the limit, whatever Content-Length says', async () => {
    const small = createHandler(recommender, { limits: { bodyBytes: 1000 } });
    let sent = 0;
    const endless = (headers: Record<string, string>) =>
      get('/v1/m1/recommend', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: new ReadableStream({
          pull(controller) {
            controller.enqueue(new Uint8Array(100).fill(32));
            sent += 100;
          },
        }),
        duplex: 'half',
      } as RequestInit);
    await fails(endless({}), 413, 'body_too_large', undefined, small);
    // 1,000 bytes, the one piece that is too much, and what the stream keeps ready.
    expect(sent).toBeLessThanOrEqual(1300);
    await fails(endless({ 'content-length': '10' }), 413, 'body_too_large', undefined, small);
    sent = 0;
    await fails(endless({ 'content-length': '1001' }), 413, 'body_too_large', undefined, small);
    expect(sent).toBeLessThanOrEqual(100);
    const pieces = ['{"it', 'ems":["', 'a"]}'].map((text) => new TextEncoder().encode(text));
    const body = new ReadableStream({
      pull: (controller) => (pieces.length > 0 ? controller.enqueue(pieces.shift()!) : controller.close()),
    });
    await ok(
      get('/v1/m1/recommend', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        duplex: 'half',
      } as RequestInit),
      'Recommendations',
      small,
    );
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
    await fails(
      get('/v1/m1/recommend', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: broken,
        duplex: 'half',
      } as RequestInit),
      400,
      'incomplete_body',
    );
    // Firefox has no Request.body.
    const firefox = (text: string) =>
      Object.defineProperty(post('/v1/m1/recommend', text), 'body', { value: undefined });
    await ok(firefox('{"items":["a"]}'), 'Recommendations', small);
    await fails(firefox(' '.repeat(1001)), 413, 'body_too_large', undefined, small);
  });

  it('keeps to limits of its own', async () => {
    const limits = { urlLength: 60, history: 2, ids: 1, idLength: 3, k: 5, explainedK: 2, reasons: 1, batch: 1 };
    const small = createHandler(recommender, { limits });
    const same = recommender.recommend({ market: 'm1', items: ['a', 'd'], k: 5 });
    expect(await ok(get('/v1/m1/recommend?items=a,d'), 'Recommendations', small)).toEqual(same);
    expect((await ok(get('/v1/m1/recommend?items=a,d&explain'), 'Recommendations', small)).items).toEqual(
      recommender.recommend({ market: 'm1', items: ['a', 'd'], k: 2, explain: 1 }).items,
    );
    expect((await ok(get('/v1/m1/similar?item=a'), 'SimilarItems', small)).items).toEqual(
      recommender.similar({ market: 'm1', item: 'a', k: 5 }),
    );
    await fails(get('/v1/m1/recommend?items=a,d,e'), 400, 'invalid_argument', 'items', small);
    await fails(get('/v1/m1/recommend?items=abcd'), 400, 'invalid_argument', 'items[0]', small);
    await fails(get('/v1/m1/recommend?items=a&only=a,d'), 400, 'invalid_argument', 'only', small);
    await fails(get('/v1/m1/recommend?items=a&k=6'), 400, 'invalid_argument', 'k', small);
    await fails(get('/v1/m1/recommend?items=a&k=3&explain'), 400, 'invalid_argument', 'k', small);
    await fails(get('/v1/m1/recommend?items=a&explain=2'), 400, 'invalid_argument', 'explain', small);
    await fails(get('/v1/m1/recommend?items=a&k=000000000000000000005'), 414, 'url_too_long', undefined, small);
    await fails(
      post('/v1/m1/rank', { items: [], candidates: ['a', 'd'] }),
      400,
      'invalid_argument',
      'candidates',
      small,
    );
    await fails(
      post('/v1/m1/recommend', { queries: [{ items: [] }, { items: [] }] }),
      400,
      'invalid_argument',
      'queries',
      small,
    );
  });

  it('refuses options of another form', () => {
    for (const options of [
      { limits: { k: 0 } },
      { limits: { k: 1.5 } },
      { limits: { size: 3 } },
      { limits: 7 },
      { cors: 'https://a.example' },
      { cors: [7] },
      { cacheControl: 'a\nb' },
      { cacheControl: 7 },
    ]) {
      expect(() => createHandler(recommender, options as ServeOptions)).toThrow(ArgumentError);
    }
    for (const model of [undefined, null, 'model.m3rec', 3])
      expect(() => createHandler(model as never)).toThrow(ArgumentError);
  });
});

describe('methods and headers', () => {
  it('answers HEAD as GET without the body', async () => {
    for (const path of [
      '/v1/m1/recommend?items=a',
      '/v1/m1/similar?item=a',
      '/health',
      '/openapi.json',
      '/v1/m1/recommend?items=a&k=0',
      '/nowhere',
    ]) {
      const [head, full] = [await handle(get(path, { method: 'HEAD' })), await handle(get(path))];
      expect([head.status, [...head.headers]]).toEqual([full.status, [...full.headers]]);
      expect(head.body).toBe(null);
    }
  });

  it('says which methods there are', async () => {
    for (const [path, allow] of [
      ['/v1/m1/recommend', 'GET, HEAD, POST, OPTIONS'],
      ['/v1/m1/similar', 'GET, HEAD, OPTIONS'],
      ['/v1/m1/rank', 'POST, OPTIONS'],
      ['/health', 'GET, HEAD, OPTIONS'],
    ]) {
      for (const method of ['PUT', 'DELETE', 'PATCH', 'QUERY']) {
        const request = get(path, { method });
        expect((await handle(request)).headers.get('allow')).toBe(allow);
        await fails(request, 405, 'method_not_allowed');
      }
      const options = await handle(get(path, { method: 'OPTIONS' }));
      expect([options.status, options.headers.get('allow'), options.body]).toEqual([204, allow, null]);
      expect(options.headers.get('access-control-allow-methods')).toBe(null);
    }
    await fails(get('/v1/m1/similar?item=a', { method: 'POST' }), 405, 'method_not_allowed');
    await fails(get('/nowhere', { method: 'OPTIONS' }), 404, 'not_found');
  });

  it('allows other origins where told to, and no others', async () => {
    const origin = 'https://shop.example';
    const preflight = (from: string) =>
      get('/v1/m1/recommend', {
        method: 'OPTIONS',
        headers: {
          origin: from,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        },
      });
    const ask = (from: string) => get('/v1/m1/recommend?items=a', { headers: { origin: from } });
    expect((await handle(ask(origin))).headers.get('access-control-allow-origin')).toBe(null);
    expect((await handle(preflight(origin))).headers.get('access-control-allow-methods')).toBe(null);
    const all = createHandler(recommender, { cors: '*' });
    const one = createHandler(recommender, { cors: [origin] });
    expect((await all(ask('null'))).headers.get('access-control-allow-origin')).toBe('*');
    for (const request of [ask(origin), preflight(origin), get('/nowhere', { headers: { origin } })]) {
      const { headers } = await one(request);
      expect([headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([origin, 'origin']);
    }
    const { headers, status } = await one(preflight(origin));
    expect([status, headers.get('access-control-allow-methods'), headers.get('access-control-allow-headers')]).toEqual([
      204,
      'GET, HEAD, POST, OPTIONS',
      'content-type, if-none-match',
    ]);
    const other = await one(ask('https://evil.example'));
    expect([other.status, other.headers.get('access-control-allow-origin'), other.headers.get('vary')]).toEqual([
      200,
      null,
      'origin',
    ]);
  });

  it('tags answers by their content and says 304 where it is known', async () => {
    const path = '/v1/m1/recommend?items=a,d';
    const first = await handle(get(path));
    const etag = first.headers.get('etag')!;
    expect(etag).toMatch(/^"[0-9a-f]{16}"$/);
    expect(first.headers.get('cache-control')).toBe('no-cache');
    expect((await handle(get('/v1/m1/recommend?items=d&items=a'))).headers.get('etag')).toBe(etag);
    expect((await handle(get('/v1/m1/recommend?items=a'))).headers.get('etag')).not.toBe(etag);
    for (const tag of [etag, `"other", W/${etag}`, '*']) {
      for (const method of ['GET', 'HEAD']) {
        const known = await handle(get(path, { method, headers: { 'if-none-match': tag } }));
        expect([known.status, known.body, known.headers.get('etag'), known.headers.get('cache-control')]).toEqual([
          304,
          null,
          etag,
          'no-cache',
        ]);
      }
    }
    for (const tag of ['"other"', etag.slice(1, -1), ''])
      expect((await handle(get(path, { headers: { 'if-none-match': tag } }))).status).toBe(200);
    // A POST is asked again each time, and a failure is never known.
    const posted = await handle(post('/v1/m1/recommend', { items: ['a', 'd'] }, { 'if-none-match': '*' }));
    expect([posted.status, posted.headers.get('etag'), posted.headers.get('cache-control')]).toEqual([
      200,
      null,
      'no-store',
    ]);
    await fails(
      get('/v1/m1/recommend?user=nobody', { headers: { 'if-none-match': '*' } }),
      404,
      'unknown_user',
      'user',
    );
    const cached = createHandler(recommender, { cacheControl: 'public, max-age=300' });
    expect((await cached(get(path))).headers.get('cache-control')).toBe('public, max-age=300');
    expect((await cached(get('/health'))).headers.get('cache-control')).toBe('no-store');
  });
});

describe('the model', () => {
  it('is a recommender, bytes, or a promise of either, with kernels of one’s own', async () => {
    const module = await WebAssembly.compile(embeddedKernels);
    const expected = recommender.recommend({ market: 'm1', items: ['a'] });
    for (const [model, options] of [
      [bytes, {}],
      [bytes.slice().buffer, { kernels: module }],
      [Promise.resolve(bytes), {}],
      [loadModel(bytes), {}],
    ] as [Uint8Array, ServeOptions][]) {
      const on = createHandler(model, options);
      expect(await Promise.all([0, 1].map(() => ok(get('/v1/m1/recommend?items=a'), 'Recommendations', on)))).toEqual([
        expected,
        expected,
      ]);
    }
  });

  it('is asked for its health', async () => {
    const markets = servedModel().markets.map(({ name, items, users }) => ({
      name,
      items: items.length,
      users: users?.length ?? 0,
    }));
    expect(await ok(get('/health'), 'Health')).toEqual({ status: 'ok', model: 'm3rec', markets });
  });

  it('that cannot be loaded is a 503 that says why, and is reported', async () => {
    const onError = vi.fn();
    const damaged = bytes.slice();
    damaged[bytes.length - 64] ^= 1;
    for (const [model, text] of [
      [damaged, /could not be loaded: .*checksum/],
      [new Uint8Array(5), /could not be loaded: not a model file/],
      [{}, /could not be loaded: bytes: found/],
      [
        () => Promise.reject(new Error('secret /path\n at stack')),
        /^the model could not be loaded: unexpected failure$/,
      ],
    ] as const) {
      const on = createHandler((typeof model === 'function' ? model() : model) as Uint8Array, { onError });
      for (const path of ['/health', '/v1/m1/recommend?items=a', '/openapi.json'])
        expect(await fails(get(path), 503, 'model_unavailable', undefined, on)).toMatch(text);
      await fails(get('/nowhere'), 404, 'not_found', undefined, on);
    }
    expect(onError).toHaveBeenCalledTimes(12);
    expect(onError.mock.calls[0][0].name).toBe('ModelFileError');
  });

  it('that fails is a 500 without details', async () => {
    const onError = vi.fn();
    const broken = Object.create(recommender, { recommend: { value: () => JSON.parse('secret') } });
    expect(
      await fails(get('/v1/m1/recommend?items=a'), 500, 'internal', undefined, createHandler(broken, { onError })),
    ).toBe('unexpected failure');
    expect(onError.mock.calls[0][0]).toBeInstanceOf(SyntaxError);
  });
});

describe('the description', () => {
  it('names the token, if one is needed', async () => {
    const secured = createHandler(recommender, { token: 'abc', about: { digest: 'sha256:1' } });
    const authorized = { headers: { authorization: 'Bearer abc' } };
    const document = await json(await secured(get('/openapi.json', authorized)));
    expect(await new Validator().validate(document)).toEqual({ valid: true });
    expect(document.security).toEqual([{ token: [] }]);
    expect(document.paths['/v1/{market}/rank'].post.responses[401].description).toBe('The token is missing or wrong');
    const ajv = new Ajv2020({ strict: false });
    for (const request of [get('/health'), get('/health', authorized)])
      expect(ajv.validate(document.components.schemas.Health, await json(await secured(request)))).toBe(true);
    expect(document.components.schemas.Health.required).toEqual(['status']);
  });

  it('is valid OpenAPI 3.1 and names every path, parameter and market', async () => {
    const response = await handle(get('/openapi.json'));
    expect(response.headers.get('etag')).not.toBe(null);
    const document = await json(response);
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    expect(Object.keys(document.paths)).toEqual([
      '/health',
      '/openapi.json',
      '/v1/{market}/recommend',
      '/v1/recommend',
      '/v1/{market}/similar',
      '/v1/similar',
      '/v1/{market}/rank',
      '/v1/rank',
    ]);
    expect(document.paths['/v1/{market}/recommend'].parameters[0].schema.enum).toEqual(recommender.markets);
    // Each parameter it names is taken, and each method it does not name is not.
    const examples: Record<string, string> = {
      market: 'm1',
      items: 'a',
      user: 'u1',
      item: 'a',
      k: '3',
      only: 'd',
      without: 'e',
      includeSeen: 'true',
      explain: '2',
      properties: 'title',
    };
    for (const [path, { get: described, post: posted }] of Object.entries<
      Record<string, { parameters?: { name: string; required: boolean }[] }>
    >(document.paths)) {
      const url = path.replace('{market}', 'm1');
      const { headers } = await handle(get(url, { method: 'OPTIONS' }));
      expect(headers.get('allow')).toBe(
        [...(described ? ['GET', 'HEAD'] : []), ...(posted ? ['POST'] : []), 'OPTIONS'].join(', '),
      );
      for (const { name } of described?.parameters ?? []) {
        const query = new URLSearchParams({
          ...(!path.includes('{market}') && { market: 'm1' }),
          ...(path.endsWith('similar') ? { item: 'a' } : name === 'user' ? {} : { items: 'a' }),
          [name]: examples[name],
        });
        expect((await handle(get(`${url}?${query}`))).status).toBe(200);
      }
    }
  });

  it('says exactly which JSON queries are taken', async () => {
    // Mostly right, so that most queries have at most one fault.
    const mostly = <A, B>(right: fc.Arbitrary<A>, wrong: fc.Arbitrary<B>) =>
      fc.oneof(
        { weight: 12, arbitrary: right as fc.Arbitrary<unknown> },
        { weight: 1, arbitrary: wrong as fc.Arbitrary<unknown> },
      );
    const id = mostly(
      fc.oneof(fc.constantFrom('a', 'd', '__proto__', COMMA, 'constructor'), fc.string({ minLength: 1, maxLength: 5 })),
      fc.constantFrom('', 'x'.repeat(1025), 7, null),
    );
    const many = mostly(fc.array(id, { maxLength: 3 }), fc.constantFrom('a', null, {}));
    const count = mostly(fc.integer({ min: 1, max: 100 }), fc.constantFrom(0, -1, 1000, 1001, 1.5, '3', null));
    const flag = mostly(fc.boolean(), fc.constantFrom(0, 'true', null));
    const explain = mostly(
      fc.oneof(fc.boolean(), fc.integer({ min: 1, max: 20 })),
      fc.constantFrom(0, 21, 1.5, 'true', null),
    );
    const user = mostly(fc.constantFrom('u1', '__proto__', 'ü'), id);
    const either = fc.oneof(
      { weight: 6, arbitrary: fc.record({ items: many }) },
      { weight: 6, arbitrary: fc.record({ user }) },
      fc.record({ items: many, user }),
      fc.constant({}),
    );
    const other = fc.oneof(
      { weight: 9, arbitrary: fc.constant({}) },
      fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 1 }),
    );
    const query = (fields: Record<string, fc.Arbitrary<unknown>>) =>
      fc
        .tuple(either, fc.record(fields, { requiredKeys: [] }), other)
        .map((parts) => JSON.parse(JSON.stringify(Object.assign({}, ...parts))));
    const queries = [
      ['recommend', 'RecommendationsQuery', query({ k: count, only: many, without: many, includeSeen: flag, explain })],
      ['rank', 'RankingQuery', query({ candidates: many, top: count })],
    ] as const;
    let [taken, refused] = [0, 0];
    for (const [operation, schema, arbitrary] of queries) {
      await fc.assert(
        fc.asyncProperty(arbitrary, async (query) => {
          const response = await handle(post(`/v1/m1/${operation}`, query));
          const { error } = await json(response);
          // What a schema cannot say: which users there are, and k with explain.
          if (error?.code === 'unknown_user' || (error?.argument === 'k' && error.message.endsWith('with explain')))
            return;
          if (response.status === 200) taken++;
          else refused++;
          expect([validateAs(schema, query), query, error?.message]).toEqual([
            response.status === 200,
            query,
            error?.message,
          ]);
        }),
        { numRuns: 2000, seed: 7 },
      );
    }
    expect(Math.min(taken, refused)).toBeGreaterThan(500);
  });
});

describe('hostile requests', () => {
  const STATUSES = [200, 204, 304, 400, 404, 405, 413, 414, 415, 422];
  const word = fc.oneof(
    fc.constantFrom(
      'v1',
      'm1',
      M2,
      'recommend',
      'similar',
      'rank',
      'health',
      'openapi.json',
      '__proto__',
      '..',
      '%2e%2e',
      '',
      '%',
      '%ff',
      '%00',
      '%2F',
      'constructor',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.webFragments(),
  );
  const name = fc.oneof(
    fc.constantFrom(
      'items',
      'user',
      'item',
      'k',
      'only',
      'without',
      'includeSeen',
      'explain',
      'candidates',
      '__proto__',
      'hasOwnProperty',
    ),
    word,
  );
  const text = fc.oneof(
    word,
    fc.constantFrom('a', 'd,e', 'u1', '5', 'true', 'NaN', '1e999', '-0', 'a'.repeat(5000), ',', '%2C', '+'),
  );
  const path = fc.oneof(
    fc.tuple(fc.constantFrom('recommend', 'similar', 'rank')).map(([last]) => `/v1/m1/${last}`),
    fc.array(word, { maxLength: 5 }).map((words) => `/${words.join('/')}`),
  );
  const url = fc
    .tuple(path, fc.array(fc.tuple(name, text), { maxLength: 5 }))
    .map(([start, query]) => `http://localhost${start}?${query.map((pair) => pair.join('=')).join('&')}`);
  const value = fc.oneof(
    fc.json(),
    fc.uint8Array({ maxLength: 60 }),
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.tuple(name, fc.jsonValue()))
      .map((pairs) => `{${pairs.map(([key, each]) => `${JSON.stringify(key)}:${JSON.stringify(each)}`).join()}}`),
  );
  const type = fc.constantFrom(
    'application/json',
    'application/json',
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
  );

  async function survives(request: Request) {
    const used = recommender.kernels.memory.used;
    const response = await handle(request);
    const body = await response.text();
    expect(STATUSES).toContain(response.status);
    expect(body).not.toMatch(/\n|\bat .*\(|\.ts:|\.js:/);
    if (response.status >= 400 && request.method !== 'HEAD')
      expect([validateAs('Error', JSON.parse(body)), body]).toEqual([true, body]);
    expect(recommender.kernels.memory.used).toBe(used);
    expect(Object.keys(Object.prototype)).toEqual([]);
    return response.status;
  }

  it('are answered, by URL', async () => {
    const seen = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(
        url,
        fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'DELETE', 'post', 'Put'),
        async (target, method) => {
          if (!URL.canParse(target)) return;
          const status = await survives(new Request(target, { method, headers: { 'if-none-match': '*' } }));
          seen.set(status, (seen.get(status) ?? 0) + 1);
        },
      ),
      { numRuns: 5000, seed: 11 },
    );
    for (const status of [204, 304, 400, 404, 405]) expect([status, seen.get(status)]).not.toEqual([status, undefined]);
  });

  it('are answered, by body', async () => {
    const seen = new Set<number>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/v1/m1/recommend', '/v1/m1/rank', '/v1/m3/recommend'),
        value,
        type,
        async (target, body, contentType) => {
          seen.add(
            await survives(
              get(target, { method: 'POST', body: body as string, headers: { 'content-type': contentType } }),
            ),
          );
        },
      ),
      { numRuns: 5000, seed: 13 },
    );
    for (const status of [400, 415]) expect(seen).toContain(status);
    const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
    for (const body of [
      deep,
      `{"items":${deep}}`,
      `{"queries":[${deep}]}`,
      `{"items":["${'x'.repeat(1_000_000)}"]}`,
      `{"${'x'.repeat(1_000_000)}":1}`,
    ])
      await survives(post('/v1/m1/recommend', body));
  });
});

describe('m3rec serve', () => {
  const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-serve-'));
  const file = join(folder, 'model.m3rec');
  writeFileSync(file, bytes);
  const children: ChildProcess[] = [];
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  function start(...args: string[]) {
    if (!existsSync(cli)) throw new Error('dist/cli.js is not there: run `npm run build` first');
    const child = spawn(process.execPath, [cli, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    let stdout = '';
    let stderr = '';
    const closed = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, stdout, stderr })),
    );
    const address = new Promise<string>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr += text;
        const found = /at (http:\S+) until/.exec(stderr);
        if (found) resolve(found[1]);
      });
      closed.then(() => reject(new Error(stderr)));
    });
    address.catch(() => {});
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    return { child, closed, address };
  }

  /** What comes back for bytes that no HTTP client would send. */
  const raw = (port: number, request: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(request));
      socket
        .setEncoding('latin1')
        .on('data', (text) => {
          answer += text;
        })
        .on('close', () => resolve(answer))
        .on('error', reject);
    });

  it('answers what Node itself refuses with JSON too, and long URLs as documented', async () => {
    const { child, closed, address } = start(file, '--port', '0', '--prefix', '/api', '--cache-control', 'max-age=60');
    const base = await address;
    expect(base).toMatch(/\/api$/);
    const port = Number(new URL(base).port);
    const ids = (length: number) => `items=${'a,'.repeat(length / 2)}a`;
    const long = await fetch(`${base}/v1/m1/recommend?${ids(16_000)}`);
    expect([long.status, long.headers.get('cache-control')]).toEqual([200, 'max-age=60']);
    const longer = await fetch(`${base}/v1/m1/recommend?${ids(40_000)}`);
    expect([longer.status, (await longer.json()).error.code]).toEqual([414, 'url_too_long']);
    const failures: [string, number, string][] = [
      [`GET /api/health?${ids(80_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'headers_too_large'],
      ['GET /api/health HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n', 400, 'invalid_request'],
      ['NONSENSE\r\n\r\n', 400, 'invalid_request'],
      [
        'GET /api/health HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nConnection: close\r\n\r\n',
        417,
        'expectation_failed',
      ],
    ];
    for (const [request, status, code] of failures) {
      const answer = await raw(port, request);
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(answer).toMatch(/content-type: application\/json/i);
      expect(answer).toContain(`"code":"${code}"`);
    }
    expect((await fetch(`${base}/health`)).status).toBe(200);
    child.kill('SIGINT');
    expect((await closed).code).toBe(0);
  });

  it('refuses origins and prefixes that can never match when it starts', async () => {
    const { closed } = start(file, '--port', '0', '--cors', 'https://shop.example/');
    expect(await closed).toMatchObject({ code: 2, stderr: expect.stringContaining('expected https://shop.example') });
    const { closed: other } = start(file, '--port', '0', '--prefix', 'api/');
    expect(await other).toMatchObject({ code: 2, stderr: expect.stringContaining('prefix: found "api/"') });
  });

  it('answers over HTTP until Ctrl-C', async () => {
    const { child, closed, address } = start(file, '--port', '0', '--cors', 'https://shop.example');
    const base = await address;
    expect(base).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const served = await fetch(`${base}/v1/m1/recommend?items=a,%C3%BC`, {
      headers: { origin: 'https://shop.example' },
    });
    expect(served.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(await served.json()).toEqual(recommender.recommend({ market: 'm1', items: ['a', 'ü'] }));
    const again = await fetch(`${base}/v1/m1/recommend?items=a,%C3%BC`, {
      headers: { 'if-none-match': served.headers.get('etag')! },
    });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const head = await fetch(`${base}/health`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([
      200,
      (await fetch(`${base}/health`)).headers.get('content-length'),
    ]);
    const query = { queries: [{ items: ['a'] }, { user: 'ü' }] };
    const posted = await fetch(`${base}/v1/m1/recommend`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(query),
    });
    expect(await posted.json()).toEqual({
      results: recommender.recommendBatch(query.queries.map((each) => ({ ...each, market: 'm1' }) as RecommendQuery)),
    });
    // A body without Content-Length that would not end is answered once it is too long.
    const status = await new Promise((resolve, reject) => {
      const sending = httpRequest(
        `${base}/v1/m1/recommend`,
        { method: 'POST', headers: { 'content-type': 'application/json' } },
        (response) => {
          resolve(response.statusCode);
          sending.destroy();
        },
      );
      sending.on('error', reject);
      const send = () => {
        while (!sending.destroyed && sending.write(' '.repeat(65_536)));
        sending.once('drain', send);
      };
      send();
    });
    expect(status).toBe(413);
    const port = Number(new URL(base).port);
    expect(await raw(port, 'GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*"invalid_url"/,
    );
    expect(await raw(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(
      await raw(port, 'GET /v1/m1/recommend?items=%zz HTTP/1.1\r\nhost: localhost\r\nConnection: close\r\n\r\n'),
    ).toMatch(/^HTTP\/1\.1 400 [\s\S]*"argument":"items"/);
    // A refused body that is slow to end leaves the connection whole for the request after it.
    const slow = await new Promise<string>((resolve, reject) => {
      let answers = '';
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(
          `POST /v1/m1/recommend HTTP/1.1\r\nhost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1200000\r\n\r\n${' '.repeat(600_000)}`,
        ),
      );
      setTimeout(
        () =>
          socket.write(`${' '.repeat(600_000)}HEAD /health HTTP/1.1\r\nhost: localhost\r\nConnection: close\r\n\r\n`),
        800,
      );
      socket
        .setEncoding('latin1')
        .on('data', (text) => {
          answers += text;
        })
        .on('close', () => resolve(answers))
        .on('error', reject);
    });
    expect(slow.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
    // An idle and a half-sent request do not hold it up.
    const idle = connect(port, '127.0.0.1', () =>
      idle.write('POST /v1/m1/recommend HTTP/1.1\r\nhost: localhost\r\n'),
    ).on('error', () => {});
    await fetch(`${base}/health`);
    child.kill('SIGINT');
    const outcome = await closed;
    expect(outcome).toMatchObject({ code: 0, stdout: '' });
    expect(outcome.stderr).toMatch(/^m3rec: serving \S+ at \S+ until Ctrl-C; \S+ describes it\nm3rec: stopped\n$/);
  });

  it('says in one line what is wrong', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    for (const [args, code, text] of [
      [[file, '--port', String(port)], 1, `127.0.0.1:${port}: the port is in use`],
      [[file, '--port', '0', '--host', '203.0.113.7'], 2, '--host: found "203.0.113.7"'],
      [[file, '--port', '65536'], 2, '--port'],
      [[join(folder, 'none.m3rec')], 1, 'no such file'],
      [[cli], 1, 'not a model file'],
    ] as const) {
      const outcome = await start(...args).closed;
      expect(outcome).toMatchObject({ code, stdout: '' });
      expect(outcome.stderr).toContain(text);
      expect(outcome.stderr).toMatch(/^m3rec: [^\n]+\n$/);
    }
    await new Promise((resolve) => taken.close(resolve));
  });
});
