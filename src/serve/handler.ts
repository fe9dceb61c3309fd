import { ArgumentError, checkInteger, M3RecError, MemoryError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import { xxHash32 } from '../common/xxhash.ts';
import type { KernelSource } from '../engine/source.ts';
import { loadModel, type Recommender } from '../models/load.ts';
import type { RecommendQuery, Subject } from '../recommend/query.ts';
import { describeApi } from './openapi.ts';

/** The most that one request may ask for. */
export interface ServeLimits {
  /** Bytes of a body; 1 MiB. What is beyond is not read. */
  bodyBytes: number;
  /** Characters of a URL; 16,384. */
  urlLength: number;
  /** Ids of a history (`items`); 10,000. */
  history: number;
  /** Ids of `only`, `without` or `candidates`; 10,000. */
  ids: number;
  /** UTF-16 code units of an id; 1,024, the most that the data readers take. */
  idLength: number;
  /** k, and `top` of a ranking; 1,000. */
  k: number;
  /** k of a query with `explain`; 100. */
  explainedK: number;
  /** Contributions that `explain` names for each result, and what `explain=true` means; 20. */
  reasons: number;
  /** Queries of a batch; 100. */
  batch: number;
}

/** The limits that hold unless `createHandler` is given others. */
export const DEFAULT_LIMITS: Readonly<ServeLimits> = {
  bodyBytes: 1 << 20,
  urlLength: 16_384,
  history: 10_000,
  ids: 10_000,
  idLength: 1024,
  k: 1000,
  explainedK: 100,
  reasons: 20,
  batch: 100,
};

/** k where a query names none. */
export const DEFAULT_K = 10;

/** How to serve a model. */
export interface ServeOptions {
  /** Where the kernels come from if the model is given as bytes, as in `loadModel`. */
  kernels?: KernelSource;
  limits?: Partial<ServeLimits>;
  /** Origins whose pages may read the answers, or '*' for all; none unless told. */
  cors?: '*' | readonly string[];
  /** Cache-Control of the answers to GET: `no-cache` (keep, and ask with the ETag whether it still holds) unless told. */
  cacheControl?: string;
  /** Told of what is answered with 500 or 503; must not throw. */
  onError?: (error: unknown, request: Request) => void;
}

/** Answers a request; never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/** What a field of a query holds; `history` and `ids` are lists of ids. */
export type Value = 'id' | 'history' | 'ids' | 'count' | 'flag' | 'explain';
type Query = Record<string, unknown>;

/** One of the things to ask a market, at /v1/{market}/{name}. */
export interface Operation {
  summary: string;
  /** Methods: GET with HEAD, and POST. */
  get: boolean;
  post: boolean;
  fields: Readonly<Record<string, Value>>;
  required: readonly string[];
  /** Whether it is about a user: exactly one of `user` and `items` is needed. */
  subject: boolean;
  /** Answers a checked query; `prefix` names its place in a batch. */
  run(recommender: Recommender, market: string, query: Query, prefix: string, limits: ServeLimits): unknown;
}

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  [
    'recommend',
    {
      summary: 'The best items for a user of the model, or for anyone with these items as history.',
      get: true,
      post: true,
      fields: {
        items: 'history',
        user: 'id',
        k: 'count',
        only: 'ids',
        without: 'ids',
        includeSeen: 'flag',
        explain: 'explain',
      },
      required: [],
      subject: true,
      run(recommender, market, { explain, ...query }, prefix, limits) {
        const most = explain ? Math.min(limits.k, limits.explainedK) : limits.k;
        const k = (query.k as number | undefined) ?? Math.min(DEFAULT_K, most);
        if (k > most) throw new ArgumentError(`${prefix}k`, k, `at most ${most} with explain`);
        return recommender.recommend({
          ...query,
          market,
          k,
          explain: explain === true ? limits.reasons : explain,
        } as RecommendQuery);
      },
    },
  ],
  [
    'similar',
    {
      summary: 'The items most like an item.',
      get: true,
      post: false,
      fields: { item: 'id', k: 'count' },
      required: ['item'],
      subject: false,
      run(recommender, market, { item, k }, _prefix, limits) {
        if (!recommender.hasItem(market, item as string))
          throw new HttpError(
            404,
            'unknown_item',
            `market ${quote(market)} has no item ${quote(shorten(item as string))}`,
            'item',
          );
        return {
          items: recommender.similar({
            market,
            item: item as string,
            k: (k as number | undefined) ?? Math.min(DEFAULT_K, limits.k),
          }),
        };
      },
    },
  ],
  [
    'rank',
    {
      summary: 'Candidates in order, best first; those that the market does not know come last.',
      get: false,
      post: true,
      fields: { items: 'history', user: 'id', candidates: 'ids', top: 'count' },
      required: ['candidates'],
      subject: true,
      run(recommender, market, { candidates, top, ...subject }) {
        return {
          items: recommender
            .rank({ ...(subject as Subject), market, candidates: candidates as string[] })
            .slice(0, top as number | undefined),
        };
      },
    },
  ],
]);

/** An answer other than 200. */
class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly argument?: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(printable(message));
  }
}

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
  const limits = checkLimits(options.limits ?? {});
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

interface Answer {
  status: number;
  /** Sent as JSON; absent where there is no body. */
  value?: unknown;
  headers?: Record<string, string>;
  /** Whether it may be kept, and gets an ETag. */
  cacheable?: boolean;
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
      return { status: 200, value: describeApi(recommender.markets, limits, OPERATIONS), cacheable: true };
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
  if (other !== undefined) throw unknownName(other, { queries: 'ids' });
  const queries = body.queries;
  if (!Array.isArray(queries) || queries.length > limits.batch)
    throw new ArgumentError('queries', queries, `an array of at most ${limits.batch} queries`);
  return { status: 200, value: { results: queries.map((query, i) => answer(query, `queries[${i}].`)) } };
}

function explainFailure(error: unknown): Answer {
  let known: HttpError;
  if (error instanceof HttpError) known = error;
  else if (error instanceof ArgumentError)
    known = new HttpError(400, 'invalid_argument', error.message, error.argument);
  else if (error instanceof MemoryError) known = new HttpError(503, 'out_of_memory', error.message);
  else known = new HttpError(500, 'internal', 'unexpected failure');
  const { status, code, message, argument, headers } = known;
  return { status, value: { error: { code, message, ...(argument !== undefined && { argument }) } }, headers };
}

function finish(
  request: Request,
  { status, value, headers, cacheable }: Answer,
  cors: ServeOptions['cors'],
  cacheControl: string,
): Response {
  const all = new Headers(headers);
  if (cors !== undefined) {
    const origin = request.headers.get('origin');
    if (cors === '*') all.set('access-control-allow-origin', '*');
    else {
      all.set('vary', 'origin');
      if (origin !== null && cors.includes(origin)) all.set('access-control-allow-origin', origin);
    }
    all.set('access-control-expose-headers', 'etag');
  }
  if (value === undefined) return new Response(null, { status, headers: all });
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  all.set('cache-control', cacheable ? cacheControl : 'no-store');
  if (cacheable) {
    const etag = `"${[0, 1].map((seed) => xxHash32(bytes, seed).toString(16).padStart(8, '0')).join('')}"`;
    all.set('etag', etag);
    if (matches(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers: all });
  }
  all.set('content-type', 'application/json');
  all.set('content-length', String(bytes.length));
  all.set('x-content-type-options', 'nosniff');
  return new Response(request.method === 'HEAD' ? null : bytes, { status, headers: all });
}

/** If-None-Match against an entity tag, by the weak comparison that RFC 9110, 13.1.2 asks for. */
function matches(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

// --- what a request says -----------------------------------------------------------------------------------------

/** The query part of a URL as the values that a JSON body would have. */
function readParameters(search: string, fields: Operation['fields']): Query {
  const found = new Map<string, string[]>();
  for (const piece of search.split('&')) {
    if (piece === '') continue;
    const equals = piece.indexOf('=');
    const name = decodeForm(equals < 0 ? piece : piece.slice(0, equals), 'a parameter');
    if (!Object.hasOwn(fields, name)) throw unknownName(name, fields);
    const value = equals < 0 ? '' : piece.slice(equals + 1);
    const isList = fields[name] === 'ids' || fields[name] === 'history';
    const values = found.get(name);
    if (values && !isList) throw new HttpError(400, 'invalid_argument', `${name}: found twice, expected once`, name);
    const decoded = isList
      ? value === ''
        ? []
        : value.split(',').map((id) => decodeForm(id, name))
      : [decodeForm(value, name)];
    found.set(name, [...(values ?? []), ...decoded]);
  }
  return Object.fromEntries([...found].map(([name, values]) => [name, fromText(fields[name], values)]));
}

/** Text that is no number or no flag stays text, for `checkQuery` to refuse. */
function fromText(kind: Value, values: string[]): unknown {
  const [text] = values;
  if (kind === 'ids' || kind === 'history') return values;
  if (kind === 'id') return text;
  if (kind !== 'count' && ['', 'true', 'false'].includes(text)) return text !== 'false';
  return kind !== 'flag' && /^\d{1,15}$/.test(text) ? Number(text) : text;
}

/** As URLSearchParams writes it, a space may be a plus. */
const decodeForm = (text: string, argument: string) => decode(text.replaceAll('+', ' '), argument);

function decode(text: string, argument: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(
      400,
      'invalid_url',
      `${argument}: found ${quote(shorten(text))}, expected percent-encoded UTF-8`,
      argument,
    );
  }
}

/** A query of known names with values of the right form, whose user the model knows. */
function checkQuery(
  recommender: Recommender,
  market: string,
  operation: Operation,
  value: unknown,
  prefix: string,
  limits: ServeLimits,
): Query {
  if (!isObject(value)) throw new ArgumentError(prefix.slice(0, -1), value, 'a query');
  const { fields, required, subject } = operation;
  for (const [name, each] of Object.entries(value)) {
    if (!Object.hasOwn(fields, name)) throw unknownName(name, fields, prefix);
    checkValue(`${prefix}${name}`, fields[name], each, limits);
  }
  for (const name of required)
    if (!Object.hasOwn(value, name))
      throw new HttpError(400, 'invalid_argument', `${prefix}${name}: missing`, `${prefix}${name}`);
  if (!subject) return value;
  const { user, items } = value;
  if ((user === undefined) === (items === undefined)) {
    throw new HttpError(
      400,
      'invalid_argument',
      `${prefix}user, ${prefix}items: found ${user === undefined ? 'neither' : 'both'}, expected one of them`,
      `${prefix}user, ${prefix}items`,
    );
  }
  if (user === undefined) return value;
  if (recommender.model.markets.find(({ name }) => name === market)!.users === undefined)
    throw new HttpError(422, 'no_users', 'the model was saved without users: give items instead', `${prefix}user`);
  if (!recommender.hasUser(market, user as string))
    throw new HttpError(
      404,
      'unknown_user',
      `market ${quote(market)} has no user ${quote(shorten(user as string))}: give items instead`,
      `${prefix}user`,
    );
  return value;
}

function checkValue(argument: string, kind: Value, value: unknown, limits: ServeLimits): void {
  if (kind === 'id') checkId(argument, value, limits);
  else if (kind === 'count') checkInteger(argument, value, 1, limits.k);
  else if (kind === 'ids' || kind === 'history') {
    const most = kind === 'ids' ? limits.ids : limits.history;
    if (!Array.isArray(value) || value.length > most) throw new ArgumentError(argument, value, `at most ${most} ids`);
    for (const [i, id] of value.entries()) checkId(`${argument}[${i}]`, id, limits);
  } else if (typeof value !== 'boolean') {
    if (kind === 'flag') throw new ArgumentError(argument, value, 'true or false');
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > limits.reasons)
      throw new ArgumentError(argument, value, `true, false or a whole number from 1 to ${limits.reasons}`);
  }
}

function checkId(argument: string, id: unknown, { idLength }: ServeLimits): void {
  if (typeof id !== 'string' || id === '' || id.length > idLength)
    throw new ArgumentError(argument, id, `an id of 1 to ${idLength} characters`);
}

function unknownName(name: string, fields: Operation['fields'], prefix = ''): HttpError {
  const argument = prefix + shorten(name);
  return new HttpError(
    400,
    'invalid_argument',
    `${argument}: no such parameter here, expected ${Object.keys(fields).join(', ') || 'none'}`,
    argument,
  );
}

/** The JSON of a body, read piece by piece and no further than the limit, whatever Content-Length says. */
async function readJson(request: Request, limit: number): Promise<unknown> {
  const { headers } = request;
  const type = headers.get('content-type') ?? '';
  if (
    !/^application\/json\s*(;|$)/i.test(type) ||
    !/^utf-?8$/i.test(/charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1] ?? 'utf-8')
  ) {
    throw new HttpError(
      415,
      'unsupported_media_type',
      `content-type: found ${quote(shorten(type))}, expected application/json in UTF-8`,
      'content-type',
    );
  }
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity')
    throw new HttpError(
      415,
      'unsupported_media_type',
      `content-encoding: found ${quote(shorten(encoding))}, expected none`,
      'content-encoding',
    );
  const tooLarge = () => new HttpError(413, 'body_too_large', `the body has more than ${limit} bytes`);
  if (Number(headers.get('content-length')) > limit) throw tooLarge();
  const bytes = await readBody(request, limit, tooLarge);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HttpError(400, 'invalid_json', 'the body is not UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'invalid_json', text === '' ? 'the body is empty' : 'the body is not JSON');
  }
}

async function readBody(request: Request, limit: number, tooLarge: () => HttpError): Promise<Uint8Array> {
  const broken = () => new HttpError(400, 'incomplete_body', 'the body could not be read to its end');
  // Firefox has no Request.body; there the browser itself has made the request.
  if (request.body === undefined) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > limit) throw tooLarge();
    return bytes;
  }
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const { done, value } = await reader.read().catch(() => {
      throw broken();
    });
    if (done) break;
    length += value.length;
    if (length > limit) {
      // Not cancelled: that would make Node close the connection before the answer is sent.
      reader.releaseLock();
      throw tooLarge();
    }
    pieces.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

// --- options -----------------------------------------------------------------------------------------------------

function checkLimits(given: Partial<ServeLimits>): ServeLimits {
  if (!isObject(given)) throw new ArgumentError('limits', given, 'an object');
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name))
      throw new ArgumentError(`limits.${name}`, value, `only ${Object.keys(DEFAULT_LIMITS).join(', ')}`);
    if (value !== undefined) limits[name as keyof ServeLimits] = checkInteger(`limits.${name}`, value, 1, 0x7fffffff);
  }
  return limits;
}

function checkCors(cors: unknown): ServeOptions['cors'] {
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const quote = (text: string) => JSON.stringify(text);
const shorten = (text: string) => (text.length > 80 ? `${text.slice(0, 77)}...` : text);
