import { ArgumentError, M3RecError } from '../common/errors.ts';
import type { KernelSource } from '../engine/source.ts';
import { loadModel } from '../models/load.ts';
import type { Recommender } from '../models/recommender.ts';
import { type Answer, type Cors, explainFailure, finish, jsonOf } from './answer.ts';
import { readJson } from './body.ts';
import { HttpError, quote, shorten, wrongArgument } from './errors.ts';
import { checkLimits, type ServeLimits } from './limits.ts';
import { describeApi } from './openapi.ts';
import { OPERATIONS, type Operation, type Query } from './operations.ts';
import { checkAbout, checkCors, checkHeader, checkPrefix, checkToken, hasToken } from './options.ts';
import { checkId, checkQuery, decode, isObject, MARKET, readParameters, unknownName } from './query.ts';
import { Slices, Turns } from './work.ts';

/** How to serve a model. */
export interface ServeOptions {
  /** Where the kernels come from if the model is given as bytes, as in `loadModel`. */
  kernels?: KernelSource;
  limits?: Partial<ServeLimits>;
  /** Origins whose pages may read the answers, such as `https://shop.example`, or '*' for all. Default: none. */
  cors?: Cors;
  /** The start of every path, such as `/recommender`, for a service behind a gateway. Default: none. */
  prefix?: string;
  /**
   * Cache-Control of the answers to GET. Default: `no-cache` (caches keep the answer and revalidate it by its ETag).
   */
  cacheControl?: string;
  /**
   * The token that a request must send as `Authorization: Bearer …`. Default: none. Without it `GET /health` gives only
   * the status.
   */
  token?: string;
  /** Facts about the model's file that /health gives, such as `{ digest: 'sha256:…' }`. */
  about?: Readonly<Record<string, string>>;
  /** Called with the error behind each 500 or 503; must not throw. */
  onError?: (error: unknown, request: Request) => void;
}

/** Answers a request; never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/**
 * A model as an HTTP service for any host that speaks Request and Response: Node (`m3rec serve`), Deno.serve,
 * Bun.serve, workers (`export default { fetch }`), service workers.
 *
 *   GET  /v1/{market}/recommend?items=a,b or ?user=u, with k, only, without, includeSeen, explain
 *   GET  /v1/{market}/similar?item=a, with k
 *   POST /v1/{market}/recommend, /v1/{market}/rank: a JSON query of the same names, or {"queries": […]} for {"results": […]}
 *   the same at /v1/recommend, /v1/similar, /v1/rank, where each query names its `market`: a batch over markets, and the way to
 *     markets named `.` or `..`, which no path can hold
 *   GET  /health, /openapi.json
 *
 * Answers are what `Recommender` returns, as JSON. In a URL a comma separates ids, `%2C` is a comma of an id, and a
 * list may also be given by repeating its parameter. HEAD works wherever GET does. An error is {"error": {code,
 * message, argument?}}. The handler never rejects, keeps nothing between requests, and shows no stack. The cost of a
 * request is bounded before its work starts (`ServeLimits.steps`). Batches run one after the other, and let other
 * requests in every few milliseconds.
 *
 * @param model a recommender, or the bytes of a model file (loading starts at once), or a promise of either. If loading
 *   fails, every answer that needs the model is a 503 that says why.
 * @throws ArgumentError for an option of the wrong type or form.
 * @example
 * const handler = createHandler(bytes);
 * const response = await handler(new Request('http://localhost/v1/de/similar?item=P1000448&k=1'));
 * response.status; // → 200
 */
export function createHandler(
  model: Recommender | Uint8Array | ArrayBuffer | Promise<Recommender | Uint8Array | ArrayBuffer>,
  options: ServeOptions = {},
): Handler {
  if (typeof model !== 'object' || model === null)
    throw new ArgumentError('model', model, 'a Recommender, the bytes of a model file, or a promise of one of these');
  const cors = checkCors(options.cors);
  const cacheControl = checkHeader('cacheControl', options.cacheControl ?? 'no-cache');
  const service: Service = {
    limits: checkLimits(options.limits),
    cors: cors !== undefined,
    token: checkToken(options.token),
    about: checkAbout(options.about),
    prefix: checkPrefix(options.prefix),
    ready: open(model, options.kernels),
    turns: new Turns(),
  };
  // Callers see the rejection; without callers it must not end the process.
  service.ready.catch(() => {});

  return async (request) => {
    let answer: Answer;
    try {
      answer = await respond(request, service);
    } catch (error) {
      answer = explainFailure(error);
      if (answer.status >= 500) options.onError?.(error instanceof HttpError ? (error.cause ?? error) : error, request);
    }
    return finish(request, answer, cors, cacheControl);
  };
}

interface Service {
  limits: ServeLimits;
  cors: boolean;
  token: string | undefined;
  about: Readonly<Record<string, string>>;
  prefix: string;
  ready: Promise<Recommender>;
  turns: Turns;
}

async function open(model: unknown, kernels: KernelSource | undefined): Promise<Recommender> {
  const given = await model;
  // Recognised by its shape, since another copy of this library may have made it.
  const recommender =
    typeof given === 'object' && given !== null && 'recommend' in given
      ? (given as Recommender)
      : await loadModel(given as Uint8Array, { kernels });
  if (recommender.scorer?.cost)
    throw ArgumentError.because(
      'model',
      `a ${recommender.model.kind} model computes a network for every item that it scores, which is too much for a request: serve another kind, or recommend in batches (recommendAll, m3rec recommend --all)`,
    );
  return recommender;
}

/** What a path names. */
interface Route {
  page?: 'health' | 'openapi.json';
  operation?: Operation;
  /** The market of the path, still encoded. If absent, each query names its own. */
  market?: string;
}

function routeOf(pathname: string, prefix: string): Route {
  const path = pathname.startsWith(`${prefix}/`) ? pathname.slice(prefix.length + 1) : '';
  if (path === 'health' || path === 'openapi.json') return { page: path };
  const segments = path.split('/');
  const operation = segments[0] === 'v1' && segments.length <= 3 ? OPERATIONS.get(segments.at(-1)!) : undefined;
  if (operation && segments.length > 1) return { operation, market: segments.length === 3 ? segments[1] : undefined };
  const paths = [...OPERATIONS.keys()].flatMap((name) => [`v1/{market}/${name}`, `v1/${name}`]);
  throw new HttpError(
    404,
    'not_found',
    `no such path: expected one of ${[...paths, 'health', 'openapi.json'].map((each) => `${prefix}/${each}`).join(', ')}`,
  );
}

async function respond(request: Request, service: Service): Promise<Answer> {
  const { limits, prefix, token } = service;
  if (request.url.length > limits.urlLength)
    throw new HttpError(
      414,
      'url_too_long',
      `the URL has ${request.url.length} characters, more than ${limits.urlLength}: use POST`,
    );
  const { pathname, search } = new URL(request.url);
  const { page, operation, market } = routeOf(pathname, prefix);
  const methods = [
    ...(operation?.get === false ? [] : ['GET', 'HEAD']),
    ...(operation?.post ? ['POST'] : []),
    'OPTIONS',
  ];
  const allow = methods.join(', ');
  if (!methods.includes(request.method))
    throw new HttpError(405, 'method_not_allowed', `${shorten(request.method)}: expected ${allow}`, undefined, {
      allow,
    });
  if (request.method === 'OPTIONS') return { status: 204, headers: preflight(request, allow, service) };
  if (token !== undefined && !hasToken(request, token)) {
    if (page === 'health') return { status: 200, value: { status: 'ok' } };
    throw new HttpError(401, 'unauthorized', 'expected the header Authorization: Bearer and the token', undefined, {
      'www-authenticate': 'Bearer',
    });
  }
  const fields = { ...(market === undefined && MARKET), ...operation?.fields };
  const parameters = readParameters(search.slice(1), request.method === 'POST' || page ? {} : fields);
  const recommender = await service.ready.catch((error) => {
    const reason = error instanceof M3RecError ? error.message : 'unexpected failure';
    throw Object.assign(new HttpError(503, 'model_unavailable', `the model could not be loaded: ${reason}`), {
      cause: error,
    });
  });
  if (page === 'openapi.json')
    return {
      status: 200,
      value: describeApi(recommender.markets, limits, prefix, token !== undefined),
      cacheable: true,
    };
  if (!operation) return { status: 200, value: { ...healthOf(recommender), ...service.about } };
  const asked = new Asked(recommender, operation, market, limits);
  if (request.method !== 'POST') return { status: 200, value: asked.answer(parameters), cacheable: true };
  const body = await readJson(request, limits.bodyBytes);
  if (!isObject(body)) throw new ArgumentError('body', body, 'an object: a query, or {"queries": [...]}');
  if (!Object.hasOwn(body, 'queries')) return { status: 200, value: asked.answer(body) };
  const other = Object.keys(body).find((name) => name !== 'queries');
  if (other !== undefined) throw unknownName(other, ['queries']);
  const queries = body.queries;
  if (!Array.isArray(queries) || queries.length > limits.batch)
    throw new ArgumentError('queries', queries, `an array of at most ${limits.batch} queries`);
  return { status: 200, json: await service.turns.take(() => asked.answerAll(queries)) };
}

function preflight(request: Request, allow: string, { cors, token }: Service): Record<string, string> {
  if (!cors || !request.headers.has('origin') || !request.headers.has('access-control-request-method'))
    return { allow };
  return {
    allow,
    'access-control-allow-methods': allow,
    'access-control-allow-headers': `content-type, if-none-match${token === undefined ? '' : ', authorization'}`,
    'access-control-max-age': '86400',
  };
}

function healthOf({ model: { kind, markets } }: Recommender) {
  return {
    status: 'ok',
    model: kind,
    markets: markets.map(({ name, items, users }) => ({ name, items: items.length, users: users?.length ?? 0 })),
  };
}

/** The questions of one request to a model. */
class Asked {
  /** The market of all queries. If absent, each names its own. */
  private readonly market: string | undefined;

  /** @param market encoded, as a path has it */
  constructor(
    private readonly recommender: Recommender,
    private readonly operation: Operation,
    market: string | undefined,
    private readonly limits: ServeLimits,
  ) {
    if (market !== undefined) this.market = this.known('market', decode(market, 'market'));
  }

  /** The answer to one query. */
  answer(value: unknown): unknown {
    const [market, query] = this.check(value, '');
    checkSteps('the request', this.stepsOf(market, query, ''), this.limits.steps);
    return this.operation.run(this.recommender, market, query, '', this.limits);
  }

  /** The answers to a batch, as JSON. Checks all queries and bounds their cost before it answers the first. */
  async answerAll(values: readonly unknown[]): Promise<Uint8Array[]> {
    const slices = new Slices();
    const checked: [market: string, query: Query][] = [];
    let steps = 0;
    for (const [i, value] of values.entries()) {
      const [market, query] = this.check(value, `queries[${i}].`);
      checked.push([market, query]);
      steps += this.stepsOf(market, query, `queries[${i}].`);
      await slices.pause();
    }
    checkSteps('the request', steps, this.limits.steps);
    const pieces = [text('{"results":[')];
    for (const [i, [market, query]] of checked.entries()) {
      if (i > 0) pieces.push(text(','));
      pieces.push(jsonOf(this.operation.run(this.recommender, market, query, `queries[${i}].`, this.limits)));
      await slices.pause();
    }
    return [...pieces, text(']}')];
  }

  private check(value: unknown, prefix: string): [market: string, query: Query] {
    const { recommender, operation, limits } = this;
    if (this.market !== undefined)
      return [this.market, checkQuery(recommender, this.market, operation, value, prefix, limits)];
    if (!isObject(value)) throw new ArgumentError(prefix.slice(0, -1), value, 'a query');
    const { market: name, ...query } = value;
    if (name === undefined) throw wrongArgument(`${prefix}market`, 'missing, expected the name of a market');
    checkId(`${prefix}market`, name, limits);
    const market = this.known(`${prefix}market`, name as string);
    return [market, checkQuery(recommender, market, operation, query, prefix, limits)];
  }

  private known(argument: string, market: string): string {
    const { markets } = this.recommender;
    if (markets.includes(market)) return market;
    const expected = `one of ${markets.map(quote).join(', ')}`;
    throw new HttpError(404, 'unknown_market', new ArgumentError(argument, market, expected).message, argument);
  }

  private stepsOf(market: string, query: Query, prefix: string): number {
    const steps = this.operation.steps?.(this.recommender, market, query, prefix, this.limits) ?? 0;
    checkSteps(prefix === '' ? 'the query' : prefix.slice(0, -1), steps, this.limits.querySteps);
    return steps;
  }
}

function checkSteps(what: string, steps: number, most: number): void {
  if (steps <= most) return;
  const count = (number: number) => Math.ceil(number).toLocaleString('en-US');
  throw new HttpError(
    400,
    'too_much_work',
    `${what} takes ${count(steps)} steps, more than ${count(most)}: shorten the histories, explain fewer results, or send fewer queries`,
  );
}

const text = (json: string) => new TextEncoder().encode(json);
