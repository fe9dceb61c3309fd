import { ArgumentError, M3RecError } from '../common/errors.ts';
import type { KernelSource } from '../engine/source.ts';
import { loadModel, type Recommender } from '../models/load.ts';
import { type Answer, type Cors, explainFailure, finish } from './answer.ts';
import { readJson } from './body.ts';
import { HttpError, quote, shorten } from './errors.ts';
import { checkLimits, type ServeLimits } from './limits.ts';
import { describeApi } from './openapi.ts';
import { OPERATIONS } from './operations.ts';
import { checkQuery, decode, isObject, readParameters, unknownName } from './query.ts';

/** How to serve a model. */
export interface ServeOptions {
  /** Where the kernels come from if the model is given as bytes, as in `loadModel`. */
  kernels?: KernelSource;
  limits?: Partial<ServeLimits>;
  /** Origins whose pages may read the answers, or '*' for all; none unless told. */
  cors?: Cors;
  /** Cache-Control of the answers to GET: `no-cache` (keep, and ask with the ETag whether it still holds) unless told. */
  cacheControl?: string;
  /** Told of what is answered with 500 or 503; must not throw. */
  onError?: (error: unknown, request: Request) => void;
}

/** Answers a request; never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/**
 * A model as an HTTP service for any host that speaks Request and Response: Node (`m3rec serve`), Deno.serve, Bun.serve,
 * workers (`export default { fetch }`), service workers.
 *
 *   GET  /v1/{market}/recommend?items=a,b or ?user=u, with k, only, without, includeSeen, explain
 *   GET  /v1/{market}/similar?item=a, with k
 *   POST /v1/{market}/recommend, /v1/{market}/rank: a JSON query of the same names, or {"queries": […]} for {"results": […]}
 *   GET  /health, /openapi.json
 *
 * Answers are what `Recommender` returns, as JSON. In a URL a comma separates ids, `%2C` is a comma of an id, and a list
 * may also be given by repeating its parameter. HEAD goes where GET goes. An error is {"error": {code, message, argument?}}.
 * The handler never rejects, keeps nothing between requests, and shows no stack.
 *
 * @param model a recommender, or the bytes of a model file (loading starts at once), or a promise of either. Where loading
 *   fails, every answer that needs the model is a 503 that says why.
 * @throws ArgumentError for options of another form.
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
  const limits = checkLimits(options.limits);
  const cors = checkCors(options.cors);
  const cacheControl = checkHeader('cacheControl', options.cacheControl ?? 'no-cache');
  const ready = open(model, options.kernels);
  // Whoever asks is told; nobody asking is no reason to end the process.
  ready.catch(() => {});

  return async (request) => {
    let answer: Answer;
    try {
      answer = await respond(request, ready, limits, cors !== undefined);
    } catch (error) {
      answer = explainFailure(error);
      if (answer.status >= 500) options.onError?.(error instanceof HttpError ? (error.cause ?? error) : error, request);
    }
    return finish(request, answer, cors, cacheControl);
  };
}

async function open(model: unknown, kernels: KernelSource | undefined): Promise<Recommender> {
  const given = await model;
  // By shape: another copy of this library may have made it.
  if (typeof given === 'object' && given !== null && 'recommend' in given) return given as Recommender;
  return loadModel(given as Uint8Array, { kernels });
}

async function respond(
  request: Request,
  ready: Promise<Recommender>,
  limits: ServeLimits,
  cors: boolean,
): Promise<Answer> {
  if (request.url.length > limits.urlLength)
    throw new HttpError(
      414,
      'url_too_long',
      `the URL has ${request.url.length} characters, more than ${limits.urlLength}: use POST`,
    );
  const { pathname, search } = new URL(request.url);
  const segments = pathname.split('/').slice(1);
  const operation = segments.length === 3 && segments[0] === 'v1' ? OPERATIONS.get(segments[2]) : undefined;
  if (!operation && pathname !== '/health' && pathname !== '/openapi.json') {
    throw new HttpError(
      404,
      'not_found',
      `no such path: there are /v1/{market}/${[...OPERATIONS.keys()].join(', /v1/{market}/')}, /health, /openapi.json`,
    );
  }
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
  if (request.method === 'OPTIONS') {
    const preflight = cors && request.headers.has('origin') && request.headers.has('access-control-request-method');
    const headers = {
      'access-control-allow-methods': allow,
      'access-control-allow-headers': 'content-type, if-none-match',
      'access-control-max-age': '86400',
    };
    return { status: 204, headers: { allow, ...(preflight && headers) } };
  }
  const parameters = readParameters(search.slice(1), request.method === 'POST' ? {} : (operation?.fields ?? {}));
  const recommender = await ready.catch((error) => {
    const reason = error instanceof M3RecError ? error.message : 'unexpected failure';
    throw Object.assign(new HttpError(503, 'model_unavailable', `the model could not be loaded: ${reason}`), {
      cause: error,
    });
  });
  if (!operation) {
    if (pathname === '/openapi.json')
      return { status: 200, value: describeApi(recommender.markets, limits), cacheable: true };
    const { kind, markets } = recommender.model;
    return {
      status: 200,
      value: {
        status: 'ok',
        model: kind,
        markets: markets.map(({ name, items, users }) => ({ name, items: items.length, users: users?.length ?? 0 })),
      },
    };
  }
  const market = decode(segments[1], 'market');
  if (!recommender.markets.includes(market))
    throw new HttpError(
      404,
      'unknown_market',
      new ArgumentError('market', market, `one of ${recommender.markets.map(quote).join(', ')}`).message,
      'market',
    );
  const answer = (value: unknown, prefix: string) =>
    operation.run(
      recommender,
      market,
      checkQuery(recommender, market, operation, value, prefix, limits),
      prefix,
      limits,
    );
  if (request.method !== 'POST') return { status: 200, value: answer(parameters, ''), cacheable: true };
  const body = await readJson(request, limits.bodyBytes);
  if (!isObject(body)) throw new ArgumentError('body', body, 'an object: a query, or {"queries": [...]}');
  if (!Object.hasOwn(body, 'queries')) return { status: 200, value: answer(body, '') };
  const other = Object.keys(body).find((name) => name !== 'queries');
  if (other !== undefined) throw unknownName(other, ['queries']);
  const queries = body.queries;
  if (!Array.isArray(queries) || queries.length > limits.batch)
    throw new ArgumentError('queries', queries, `an array of at most ${limits.batch} queries`);
  return { status: 200, value: { results: queries.map((query, i) => answer(query, `queries[${i}].`)) } };
}

function checkCors(cors: unknown): Cors {
  if (cors === undefined || cors === '*') return cors;
  if (!Array.isArray(cors) || cors.some((origin) => typeof origin !== 'string'))
    throw new ArgumentError('cors', cors, '"*" or an array of origins');
  return cors;
}

function checkHeader(argument: string, value: unknown): string {
  if (typeof value !== 'string' || !/^[\x20-\x7e]+$/.test(value))
    throw new ArgumentError(argument, value, 'the value of a header');
  return value;
}
