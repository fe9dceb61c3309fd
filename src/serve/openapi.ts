// The OpenAPI 3.1 description of a service, made from its operations alone.

import { KIND_NAMES } from '../models/names.ts';
import type { ServeLimits } from './limits.ts';
import { OPERATIONS, type Operation, type Value } from './operations.ts';
import { MARKET } from './query.ts';
import { array, described, INTEGER, object, type Schema, TEXT } from './schema.ts';

/**
 * The description of a handler that serves these markets within these limits. All its paths start with `prefix`.
 * @param secured whether requests need a token
 */
export function describeApi(markets: readonly string[], limits: ServeLimits, prefix = '', secured = false): Schema {
  const values = valuesWithin(limits);
  const schemas: Record<string, Schema> = {};
  const paths: Record<string, Record<string, unknown>> = {
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
  const market = { type: 'string', enum: markets };
  for (const [name, operation] of OPERATIONS) {
    const { answer, get, post, fields, required } = operation;
    schemas[answer] = operation.schema();
    paths[`/v1/{market}/${name}`] = {
      parameters: [{ name: 'market', in: 'path', required: true, schema: market }],
      ...(get && { get: describeGet(name, operation, values) }),
      ...(post && { post: describePost(name, operation, `${answer}Query`, limits) }),
    };
    if (post) schemas[`${answer}Query`] = querySchema(operation, values);
    const anywhere = { ...operation, fields: { ...MARKET, ...fields }, required: ['market', ...required] };
    const marketValues = { ...values, market };
    paths[`/v1/${name}`] = {
      ...(get && { get: describeGet(`${name}Anywhere`, anywhere, marketValues) }),
      ...(post && { post: describePost(`${name}Anywhere`, anywhere, `${answer}MarketQuery`, limits) }),
    };
    if (post) schemas[`${answer}MarketQuery`] = querySchema(anywhere, marketValues);
  }
  if (secured) {
    for (const [path, operations] of Object.entries(paths)) {
      for (const operation of Object.values(operations)) {
        if (path === '/health') Object.assign(operation as object, { security: [{ token: [] }, {}] });
        else if (isOperation(operation)) Object.assign(operation.responses, fails(401));
      }
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'm3rec',
      version: '1.0.0',
      description: 'Recommendations of one model. HEAD works wherever GET does. Every failure is an Error.',
    },
    ...(prefix !== '' && { servers: [{ url: prefix }] }),
    paths,
    components: {
      schemas: { ...schemas, Health: health(secured), Error: failure() },
      ...(secured && { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }),
    },
    ...(secured && { security: [{ token: [] }] }),
  };
}

const isOperation = (value: unknown): value is { responses: object } =>
  typeof value === 'object' && value !== null && 'responses' in value;

/**
 * Further fields are texts about the model's file, chosen by the server's owner. Without a token there is only the
 * status.
 */
function health(secured: boolean): Schema {
  return {
    ...object(
      {
        status: { const: 'ok' },
        model: { enum: KIND_NAMES },
        markets: array(object({ name: TEXT, items: INTEGER, users: INTEGER })),
      },
      secured ? ['status'] : undefined,
    ),
    additionalProperties: TEXT,
  };
}

function failure(): Schema {
  const argument = described(TEXT, 'The wrong argument, if it is one.');
  return object({ error: object({ code: TEXT, message: TEXT, argument }, ['code', 'message']) });
}

const FAILURES: Record<number, string> = {
  400: 'Wrong argument, percent-encoding or JSON, or more work than a request may take',
  401: 'The token is missing or wrong',
  404: 'No such path, market, user or item',
  405: 'No such method; Allow lists the methods',
  413: 'The body is too large',
  414: 'The URL is too long',
  415: 'The body is not declared as application/json',
  422: 'The model was saved without users',
  500: 'A fault of the server',
  503: 'The model could not be loaded, or memory is short',
};

const fails = (...statuses: number[]) =>
  Object.fromEntries(
    statuses.map((status) => [status, { description: FAILURES[status], content: json(ref('Error')) }]),
  );

const tagged = (schema: Schema, description: string) => ({
  200: { description, headers: { ETag: { schema: TEXT } }, content: json(schema) },
  304: { description: 'If-None-Match names this answer' },
});

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Schema) => ({ 'application/json': { schema } });

/** The schemas of values: by the field's name if it has its own schema, else by its kind. */
type Values = Record<Value, Schema> & { market?: Schema };
const schemaOf = (values: Values, name: string, value: Value) => (name === 'market' && values.market) || values[value];

/** The schema of each kind of value. */
function valuesWithin(limits: ServeLimits): Record<Value, Schema> {
  const id: Schema = { type: 'string', minLength: 1, maxLength: limits.idLength };
  return {
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
}

function querySchema({ fields, required, subject }: Operation, values: Values): Schema {
  const properties = Object.fromEntries(
    Object.entries(fields).map(([name, { value, description }]) => [
      name,
      described(
        schemaOf(values, name, value),
        [description, schemaOf(values, name, value).description].filter(Boolean).join(' '),
      ),
    ]),
  );
  const either = subject && { oneOf: [{ required: ['user'] }, { required: ['items'] }] };
  return { ...object(properties, [...required]), ...either };
}

function describeGet(name: string, operation: Operation, values: Values) {
  const { summary, fields, required, subject, answer } = operation;
  const entries = Object.entries(fields);
  const description = [
    ...(subject ? ['Exactly one of user and items.'] : []),
    ...(entries.some(([, { value }]) => value === 'ids')
      ? ['Write a comma of an id as %2C. A list may also be given by repeating its parameter.']
      : []),
  ].join(' ');
  return {
    operationId: name,
    summary,
    description,
    parameters: entries.map(([field, { value, description }]) => ({
      name: field,
      in: 'query',
      required: required.includes(field),
      description,
      ...((value === 'ids' || value === 'history') && { style: 'form', explode: false }),
      schema: schemaOf(values, field, value),
    })),
    responses: {
      ...tagged(ref(answer), 'The answer'),
      ...fails(400, 404, 405, 414, ...(subject ? [422] : []), 500, 503),
    },
  };
}

function describePost(name: string, { summary, answer }: Operation, querySchema: string, limits: ServeLimits) {
  const query = ref(querySchema);
  return {
    operationId: `${name}Post`,
    summary: `${summary} One query, or a batch of at most ${limits.batch}.`,
    requestBody: {
      required: true,
      description: `At most ${limits.bodyBytes} bytes.`,
      content: json({ anyOf: [query, object({ queries: { ...array(query), maxItems: limits.batch } })] }),
    },
    responses: {
      200: {
        description: 'The answer, or the answers to a batch in its order',
        content: json({ anyOf: [ref(answer), object({ results: array(ref(answer)) })] }),
      },
      ...fails(400, 404, 405, 413, 414, 415, 422, 500, 503),
    },
  };
}
