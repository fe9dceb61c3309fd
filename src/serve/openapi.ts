import { SERVED_KINDS } from '../models/served.ts';
import type { Operation, ServeLimits, Value } from './handler.ts';

type Schema = Record<string, unknown>;

const object = (
  properties: Record<string, Schema>,
  required = Object.keys(properties),
  description?: string,
): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
  ...(description && { description }),
});
const array = (items: Schema): Schema => ({ type: 'array', items });
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const text: Schema = { type: 'string' };
const number: Schema = { type: 'number' };
const json = (schema: Schema) => ({ 'application/json': { schema } });

const NAMES: Record<string, string> = { recommend: 'Recommendations', similar: 'SimilarItems', rank: 'Ranking' };

/** What the answers hold, by the names of the types in `recommend.ts`. */
const ANSWERS: Record<string, Schema> = {
  Recommendations: object(
    {
      items: array(
        object(
          {
            item: text,
            score: number,
            because: {
              ...array(object({ item: text, contribution: number })),
              description: 'With explain: what each history item adds to the score, largest first.',
            },
            own: { ...number, description: "With explain: what a known user's own offset adds." },
            bias: { ...number, description: "With explain: the item's bias." },
          },
          ['item', 'score'],
        ),
      ),
      fallback: {
        const: 'popularity',
        description:
          'Present where the history is empty or tells the model nothing: the scores are the popularity of the items.',
      },
      unknownItems: { ...array(text), description: 'Items of the history that the market does not know.' },
    },
    ['items', 'unknownItems'],
  ),
  SimilarItems: object({ items: array(object({ item: text, score: number })) }),
  Ranking: object({
    items: array(
      object({
        item: text,
        score: number,
        known: {
          type: 'boolean',
          description:
            'Whether the market knows the item; the score of one that it does not is -3.4028234663852886e38.',
        },
      }),
    ),
  }),
  Health: object({
    status: { const: 'ok' },
    model: { enum: SERVED_KINDS.map(({ name }) => name) },
    markets: array(object({ name: text, items: { type: 'integer' }, users: { type: 'integer' } })),
  }),
  Error: object({
    error: object(
      { code: text, message: text, argument: { ...text, description: 'The argument that is wrong, where it is one.' } },
      ['code', 'message'],
    ),
  }),
};

const FAILURES: Record<number, string> = {
  400: 'Wrong argument, percent-encoding or JSON',
  404: 'No such path, market, user or item',
  405: 'No such method; Allow lists those there are',
  413: 'The body is too large',
  414: 'The URL is too long',
  415: 'The body is not declared as application/json',
  422: 'The model was saved without users',
  500: 'A fault of the server',
  503: 'The model could not be loaded, or memory is short',
};

const DESCRIPTIONS: Record<string, string> = {
  items: 'The history: ids of items, any number of them; those that the market does not know are passed over.',
  user: 'A user whom the model was saved with.',
  k: 'How many.',
  only: 'Recommend these items only.',
  without: 'Never recommend these items.',
  includeSeen: 'Whether items of the history may be recommended.',
  explain:
    'Name the history items that contribute most to each result: so many of them, or as many as the limit allows.',
  item: 'The item.',
  candidates: 'The items to put in order.',
  top: 'Only the best so many.',
};

/** The OpenAPI 3.1 description of the handler that serves these markets within these limits. */
export function describeApi(
  markets: readonly string[],
  limits: ServeLimits,
  operations: ReadonlyMap<string, Operation>,
): Record<string, unknown> {
  const id: Schema = { type: 'string', minLength: 1, maxLength: limits.idLength };
  const values: Record<Value, Schema> = {
    id,
    history: { ...array(id), maxItems: limits.history },
    ids: { ...array(id), maxItems: limits.ids },
    count: { type: 'integer', minimum: 1, maximum: limits.k },
    flag: { type: 'boolean' },
    explain: {
      oneOf: [{ type: 'boolean' }, { type: 'integer', minimum: 1, maximum: limits.reasons }],
      description: `With it, k is at most ${Math.min(limits.k, limits.explainedK)}.`,
    },
  };
  const fails = (...statuses: number[]) =>
    Object.fromEntries(
      statuses.map((status) => [status, { description: FAILURES[status], content: json(ref('Error')) }]),
    );
  const tagged = (schema: Schema, description: string) => ({
    200: { description, headers: { ETag: { schema: text } }, content: json(schema) },
    304: { description: 'If-None-Match names this answer' },
  });
  const schemas: Record<string, Schema> = { ...ANSWERS };
  const paths: Record<string, unknown> = {
    '/health': {
      get: {
        operationId: 'health',
        responses: { 200: { description: 'Ready', content: json(ref('Health')) }, ...fails(400, 405, 414, 500, 503) },
      },
    },
    '/openapi.json': {
      get: {
        operationId: 'describe',
        responses: { ...tagged({ type: 'object' }, 'This description'), ...fails(400, 405, 414, 500, 503) },
      },
    },
  };
  for (const [name, { summary, get, post, fields, required, subject }] of operations) {
    const answer = NAMES[name];
    const entries = Object.entries(fields);
    const either = subject && { oneOf: [{ required: ['user'] }, { required: ['items'] }] };
    paths[`/v1/{market}/${name}`] = {
      parameters: [{ name: 'market', in: 'path', required: true, schema: { type: 'string', enum: markets } }],
      ...(get && {
        get: {
          operationId: name,
          summary,
          description:
            `${subject ? 'Exactly one of user and items. ' : ''}${entries.some(([, value]) => value === 'ids') ? 'A comma of an id is written %2C; a list may also be given by repeating its parameter.' : ''}`.trim(),
          parameters: entries.map(([field, value]) => ({
            name: field,
            in: 'query',
            required: required.includes(field),
            description: DESCRIPTIONS[field],
            ...((value === 'ids' || value === 'history') && { style: 'form', explode: false }),
            schema: values[value],
          })),
          responses: {
            ...tagged(ref(answer), 'The answer'),
            ...fails(400, 404, 405, 414, ...(subject ? [422] : []), 500, 503),
          },
        },
      }),
      ...(post && {
        post: {
          operationId: `${name}Post`,
          summary: `${summary} One query, or a batch of at most ${limits.batch}.`,
          requestBody: {
            required: true,
            description: `At most ${limits.bodyBytes} bytes.`,
            content: json({
              anyOf: [
                ref(`${answer}Query`),
                object({ queries: { ...array(ref(`${answer}Query`)), maxItems: limits.batch } }),
              ],
            }),
          },
          responses: {
            200: {
              description: 'The answer, or the answers to a batch in its order',
              content: json({ anyOf: [ref(answer), object({ results: array(ref(answer)) })] }),
            },
            ...fails(400, 404, 405, 413, 414, 415, 422, 500, 503),
          },
        },
      }),
    };
    if (post) {
      const properties = Object.fromEntries(
        entries.map(([field, value]) => [
          field,
          { ...values[value], description: [DESCRIPTIONS[field], values[value].description].filter(Boolean).join(' ') },
        ]),
      );
      schemas[`${answer}Query`] = { ...object(properties, [...required]), ...either };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'm3rec',
      version: '1.0.0',
      description: 'Recommendations of one model. HEAD goes where GET goes. Every failure is an Error.',
    },
    paths,
    components: { schemas },
  };
}
