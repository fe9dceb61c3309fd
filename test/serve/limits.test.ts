// What one request may cost, and what a service behind a gateway needs.
import { beforeAll, describe, expect, it } from 'vitest';
import { ArgumentError } from '../../src/common/errors.ts';
import type { Model } from '../../src/model/model.ts';
import { encodeModel } from '../../src/models/file.ts';
import { loadModel } from '../../src/models/load.ts';
import type { Recommender } from '../../src/models/recommender.ts';
import { createHandler, type Handler, type ServeOptions } from '../../src/serve/handler.ts';
import { fullModel } from '../support/small-model.ts';

let recommender: Recommender;
let handle: Handler;
beforeAll(async () => {
  recommender = await loadModel(encodeModel(fullModel()));
  handle = createHandler(recommender);
});

const get = (path: string) => new Request(`http://host${path}`);
const post = (path: string, body: unknown) =>
  new Request(`http://host${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const answerOf = async (handler: Handler, request: Request) => {
  const response = await handler(request);
  return { status: response.status, body: await response.json() };
};
const idsOf = ({ items, markets: [market] }: Model) => Array.from(market.items, (item) => items[item]);

describe('work that a request may take', () => {
  it('grows with the history, and with what is explained, not with what every query takes', () => {
    const items = idsOf(recommender.model);
    const steps = (count: number, more = {}) =>
      recommender.steps({ market: 'm1', items: items.slice(0, count), ...more });
    expect(steps(0)).toBe(0);
    expect(steps(4)).toBeGreaterThan(2 * steps(1));
    expect(steps(4, { k: 100 })).toBe(steps(4));
    expect(steps(4, { explain: true, k: 8 })).toBeGreaterThan(6 * steps(4, { explain: true, k: 1 }) - 6 * steps(4));
    expect(steps(4, { explain: 1, k: 8 })).toBe(steps(4, { explain: true, k: 8 }));
    // no more is explained than there are items
    expect(steps(4, { explain: true, k: 1000 })).toBe(steps(4, { explain: true, k: 8 }));
  });

  it('is bounded before any is done, alone and summed over a batch', async () => {
    const items = idsOf(recommender.model);
    const query = { items, k: 5, explain: true };
    const steps = recommender.steps({ market: 'm1', ...query });
    const limited = (most: number) => createHandler(recommender, { limits: { steps: most } });
    const refused = {
      error: { code: 'too_much_work', message: expect.stringMatching(/^the request takes [\d,]+ steps, more than/) },
    };
    const alone = post('/v1/m1/recommend', query);
    expect(await answerOf(limited(steps), alone.clone())).toMatchObject({ status: 200 });
    expect(await answerOf(limited(steps - 1), alone)).toEqual({ status: 400, body: refused });
    const batch = (count: number) => post('/v1/m1/recommend', { queries: Array.from({ length: count }, () => query) });
    expect(await answerOf(limited(3 * steps), batch(3))).toMatchObject({ status: 200 });
    expect(await answerOf(limited(3 * steps), batch(4))).toEqual({ status: 400, body: refused });
    const rank = post('/v1/m1/rank', { items, candidates: items });
    expect(await answerOf(limited(recommender.steps({ market: 'm1', items }) - 1), rank)).toEqual({
      status: 400,
      body: refused,
    });
    // one query is not interrupted, so it has a limit of its own, in a batch too
    const each = createHandler(recommender, { limits: { querySteps: steps - 1 } });
    const ofOne = (what: string) => ({
      error: { code: 'too_much_work', message: expect.stringMatching(`^${what} takes `) },
    });
    const again = post('/v1/m1/recommend', query);
    expect(await answerOf(each, again)).toEqual({ status: 400, body: ofOne('the query') });
    expect(await answerOf(each, batch(2))).toEqual({ status: 400, body: ofOne('queries\\[0\\]') });
    let worked = 0;
    const watched = Object.assign(Object.create(recommender), {
      recommend: (asked: never) => {
        worked++;
        return recommender.recommend(asked);
      },
    }) as Recommender;
    const handler = createHandler(watched, { limits: { steps: 3 * steps } });
    expect((await handler(batch(4))).status).toBe(400);
    expect(worked).toBe(0);
    await handler(batch(3));
    expect(worked).toBe(3);
  });

  it('is done in slices: what comes during a long batch is answered before it, and batches take turns', async () => {
    const order: string[] = [];
    let working = 0;
    let most = 0;
    /** Takes 5 ms of the thread for each answer. */
    const slow = Object.assign(Object.create(recommender), {
      recommend: (asked: never) => {
        const end = performance.now() + 5;
        while (performance.now() < end);
        return recommender.recommend(asked);
      },
    }) as Recommender;
    const handler = createHandler(slow);
    const batch = async (name: string) => {
      const queries = Array.from({ length: 60 }, () => ({ items: ['a'] }));
      working++;
      most = Math.max(most, working);
      const { status, body } = await answerOf(handler, post('/v1/m1/recommend', { queries }));
      working--;
      expect([status, body.results.length]).toEqual([200, 60]);
      order.push(name);
    };
    const first = batch('first').then(() => order);
    const second = batch('second');
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect((await handler(get('/health'))).status).toBe(200);
      order.push('small');
    }
    await Promise.all([first, second]);
    expect(most).toBe(2);
    expect(order).toEqual(['small', 'small', 'small', 'small', 'small', 'first', 'second']);
  });

  it('names the largest contributions alone, as explaining all and cutting does', () => {
    const items = idsOf(recommender.model);
    const all = recommender.recommend({ market: 'm1', items, k: 8, includeSeen: true, explain: true });
    for (const explain of [1, 2, 5, 8, 9]) {
      const some = recommender.recommend({ market: 'm1', items, k: 8, includeSeen: true, explain });
      expect(some.items).toEqual(all.items.map((each) => ({ ...each, because: each.because!.slice(0, explain) })));
    }
    for (const { because } of all.items)
      expect(because!.map(({ contribution }) => contribution)).toEqual(
        because!.map(({ contribution }) => contribution).sort((a, b) => b - a),
      );
  });
});

describe('behind a gateway', () => {
  it('serves every path after a prefix, and no other', async () => {
    const handler = createHandler(recommender, { prefix: '/shop/api' });
    for (const path of ['/health', '/openapi.json', '/v1/m1/recommend?items=a', '/v1/similar?market=m1&item=a'])
      expect((await handler(get(`/shop/api${path}`))).status, path).toBe(200);
    for (const path of ['/health', '/shop/apihealth', '/shop', '/shop/api', '/shop/api/', '/v1/m1/recommend?items=a']) {
      const { status, body } = await answerOf(handler, get(path));
      expect([status, body.error.code]).toEqual([404, 'not_found']);
      expect(body.error.message).toContain('/shop/api/v1/{market}/recommend');
    }
    const { body } = await answerOf(handler, get('/shop/api/openapi.json'));
    expect(body.servers).toEqual([{ url: '/shop/api' }]);
    expect((await answerOf(handle, get('/openapi.json'))).body).not.toHaveProperty('servers');
  });

  it.each<[string, ServeOptions, string]>([
    [
      'a slash at the end',
      { cors: ['https://shop.example/'] },
      'cors[0]: found "https://shop.example/", expected https://shop.example',
    ],
    [
      'a path',
      { cors: ['https://a.example', 'https://shop.example/page'] },
      'cors[1]: found "https://shop.example/page", expected https://shop.example',
    ],
    ['a port that browsers leave out', { cors: ['https://shop.example:443'] }, 'expected https://shop.example'],
    ['capitals', { cors: ['https://Shop.Example'] }, 'expected https://shop.example'],
    ['no scheme', { cors: ['shop.example'] }, 'expected an origin, such as https://shop.example'],
    ['the origin of nobody', { cors: ['null'] }, 'expected an origin'],
    ['a star among others', { cors: ['https://a.example', '*'] }, 'cors[1]: found "*", expected an origin'],
    ['a prefix with a slash at the end', { prefix: '/api/' }, 'prefix: found "/api/", expected the start of a path'],
    ['a prefix without one at the start', { prefix: 'api' }, 'prefix: found "api"'],
    ['a prefix that is a host', { prefix: '//api.example' }, 'prefix: found "//api.example"'],
    ['a prefix with a query', { prefix: '/api?x' }, 'prefix: found "/api?x"'],
    ['a prefix that climbs', { prefix: '/a/../b' }, 'prefix: found "/a/../b"'],
    ['a prefix that is no text', { prefix: 5 as never }, 'prefix: found 5'],
    ['a limit of steps', { limits: { steps: 0 } }, 'limits.steps: found 0'],
  ])('refuses when it starts: %s', (_, options, message) => {
    expect(() => createHandler(recommender, options)).toThrow(ArgumentError);
    expect(() => createHandler(recommender, options)).toThrow(message);
  });

  it('takes origins as browsers send them', async () => {
    for (const origin of [
      'https://shop.example',
      'http://localhost:5173',
      'http://[::1]:8080',
      'chrome-extension://abcdef',
    ]) {
      const handler = createHandler(recommender, { cors: [origin] });
      const response = await handler(new Request('http://host/health', { headers: { origin } }));
      expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    }
  });
});

describe('a market that the query names', () => {
  let dots: Handler;
  let plain: Recommender;
  beforeAll(async () => {
    const model = fullModel();
    const [first, second, third] = model.markets;
    model.markets = [{ ...first, name: '.' }, { ...second, name: '..' }, third];
    plain = await loadModel(encodeModel(model));
    dots = createHandler(plain);
  });

  it('may be one that no path can hold', async () => {
    for (const market of ['.', '..']) {
      const expected = plain.recommend({ market, items: ['b'], k: 3 });
      expect(await answerOf(dots, get(`/v1/recommend?market=${market}&items=b&k=3`))).toEqual({
        status: 200,
        body: expected,
      });
      expect(await answerOf(dots, post('/v1/recommend', { market, items: ['b'], k: 3 }))).toEqual({
        status: 200,
        body: expected,
      });
      expect(await answerOf(dots, get(`/v1/similar?market=${market}&item=b`))).toEqual({
        status: 200,
        body: { items: plain.similar({ market, item: 'b' }) },
      });
      expect((await answerOf(dots, post('/v1/rank', { market, items: ['b'], candidates: ['b', 'c'] }))).status).toBe(
        200,
      );
    }
  });

  it('may be another for each query of a batch', async () => {
    const queries = [
      { market: 'm1', items: ['a'], k: 2 },
      { market: 'm3', items: [], k: 1 },
      { market: 'm2', user: 'x' },
    ];
    const { status, body } = await answerOf(handle, post('/v1/recommend', { queries }));
    expect(status).toBe(200);
    expect(body.results).toEqual(queries.map((query) => recommender.recommend(query as never)));
  });

  it.each<[string, Request, number, string, string]>([
    ['none', get('/v1/recommend?items=a'), 400, 'invalid_argument', 'market'],
    ['unknown', get('/v1/recommend?items=a&market=nowhere'), 404, 'unknown_market', 'market'],
    ['no text', post('/v1/recommend', { market: 7, items: [] }), 400, 'invalid_argument', 'market'],
    [
      'none in a batch',
      post('/v1/recommend', { queries: [{ market: 'm1', items: [] }, { items: [] }] }),
      400,
      'invalid_argument',
      'queries[1].market',
    ],
    ['twice', get('/v1/m1/recommend?items=a&market=m1'), 400, 'invalid_argument', 'market'],
    ['twice, in a body', post('/v1/m1/recommend', { market: 'm1', items: [] }), 400, 'invalid_argument', 'market'],
  ])('%s is named', async (_, request, status, code, argument) => {
    expect(await answerOf(handle, request)).toMatchObject({ status, body: { error: { code, argument } } });
  });
});
