// Checks a query, from the parameters of a URL or from a body, against the fields of an operation.

import { ArgumentError, checkInteger } from '../common/errors.ts';
import type { Recommender } from '../models/recommender.ts';
import { HttpError, quote, shorten, wrongArgument } from './errors.ts';
import type { ServeLimits } from './limits.ts';
import type { Operation, Query, QueryField, Value } from './operations.ts';

/** The field that names a query's market if the path does not. */
export const MARKET: Readonly<Record<'market', QueryField>> = {
  market: { value: 'id', description: 'The market to ask.' },
};

/** The query part of a URL, as the values that a JSON body would have. */
export function readParameters(search: string, fields: Operation['fields']): Query {
  const found = new Map<string, string[]>();
  for (const piece of search.split('&')) {
    if (piece === '') continue;
    const equals = piece.indexOf('=');
    const name = decodeForm(equals < 0 ? piece : piece.slice(0, equals), 'a parameter');
    if (!Object.hasOwn(fields, name)) throw unknownName(name, Object.keys(fields));
    const value = equals < 0 ? '' : piece.slice(equals + 1);
    const isList = isListed(fields[name].value);
    const values = found.get(name);
    if (values && !isList) throw wrongArgument(name, 'found twice, expected once');
    const decoded = isList
      ? value === ''
        ? []
        : value.split(',').map((id) => decodeForm(id, name))
      : [decodeForm(value, name)];
    found.set(name, [...(values ?? []), ...decoded]);
  }
  return Object.fromEntries([...found].map(([name, values]) => [name, fromText(fields[name].value, values)]));
}

/** Text that is not a number or a flag stays text; `checkQuery` then refuses it. */
function fromText(kind: Value, values: string[]): unknown {
  const [text] = values;
  if (isListed(kind)) return values;
  if (kind === 'id') return text;
  if (kind !== 'count' && ['', 'true', 'false'].includes(text)) return text !== 'false';
  return kind !== 'flag' && /^\d{1,15}$/.test(text) ? Number(text) : text;
}

/** A space may be a plus, as URLSearchParams writes it. */
const decodeForm = (text: string, argument: string) => decode(text.replaceAll('+', ' '), argument);

export function decode(text: string, argument: string): string {
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

/** Checks that a query has known fields only, with values of the right form, and that the model knows its user. */
export function checkQuery(
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
    if (!Object.hasOwn(fields, name)) throw unknownName(name, Object.keys(fields), prefix);
    checkValue(`${prefix}${name}`, fields[name].value, each, limits);
  }
  for (const name of required)
    if (!Object.hasOwn(value, name))
      throw wrongArgument(`${prefix}${name}`, `missing, expected ${isListed(fields[name].value) ? 'ids' : 'an id'}`);
  if (!subject) return value;
  const { user, items } = value;
  if ((user === undefined) === (items === undefined)) {
    throw wrongArgument(
      `${prefix}user, ${prefix}items`,
      `found ${user === undefined ? 'neither' : 'both'}, expected one of them`,
    );
  }
  if (user === undefined) return value;
  if (recommender.model.markets.find(({ name }) => name === market)!.users === undefined)
    throw new HttpError(422, 'no_users', 'this model was saved without users: give items instead', `${prefix}user`);
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
  else if (isListed(kind)) {
    const most = kind === 'ids' ? limits.ids : limits.history;
    if (!Array.isArray(value) || value.length > most) throw new ArgumentError(argument, value, `at most ${most} ids`);
    for (const [i, id] of value.entries()) checkId(`${argument}[${i}]`, id, limits);
  } else if (typeof value !== 'boolean') {
    if (kind === 'flag') throw new ArgumentError(argument, value, 'true or false');
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > limits.reasons)
      throw new ArgumentError(argument, value, `true, false or an integer from 1 to ${limits.reasons}`);
  }
}

export function checkId(argument: string, id: unknown, { idLength }: ServeLimits): void {
  if (typeof id !== 'string' || id === '' || id.length > idLength)
    throw new ArgumentError(argument, id, `an id of 1 to ${idLength} characters, as text`);
}

/** Whether a field holds a list of ids. */
const isListed = (kind: Value) => kind === 'ids' || kind === 'history';

/** @param known the names of the parameters that exist */
export function unknownName(name: string, known: readonly string[], prefix = ''): HttpError {
  return wrongArgument(prefix + shorten(name), `no such parameter here: expected ${known.join(', ') || 'none'}`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
