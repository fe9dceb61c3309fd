import { ArgumentError } from '../common/errors.ts';
import type { Cors } from './answer.ts';

/** @throws ArgumentError unless each origin has the form that browsers send: a page's address without its path. */
export function checkCors(cors: unknown): Cors {
  if (cors === undefined || cors === '*') return cors;
  if (!Array.isArray(cors)) throw new ArgumentError('cors', cors, '"*" or an array of origins');
  for (const [i, origin] of cors.entries()) {
    const found = originOf(origin);
    if (found !== origin)
      throw new ArgumentError(`cors[${i}]`, origin, found ?? 'an origin, such as https://shop.example');
  }
  return cors;
}

/** The origin of an address, as browsers send it; undefined for anything else. */
function originOf(address: unknown): string | undefined {
  if (typeof address !== 'string') return undefined;
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return undefined;
  }
  // Pages of browser extensions have an origin too, but URL gives "null" for it.
  if (url.origin === 'null') return url.host === '' ? undefined : `${url.protocol}//${url.host}`;
  return url.origin;
}

/** @throws ArgumentError unless it is the start of a path, with each character encoded as in a URL. */
export function checkPrefix(prefix: unknown = ''): string {
  if (typeof prefix === 'string') {
    if (prefix === '') return prefix;
    const { pathname } = new URL(prefix.startsWith('/') && !prefix.startsWith('//') ? prefix : '/', 'http://localhost');
    if (pathname === prefix && !prefix.endsWith('/')) return prefix;
  }
  throw new ArgumentError('prefix', prefix, 'the start of a path, such as /recommender');
}

export function checkHeader(argument: string, value: unknown): string {
  if (typeof value !== 'string' || !/^[\x20-\x7e]+$/.test(value))
    throw new ArgumentError(argument, value, 'the value of a header: printable ASCII characters, at least one');
  return value;
}

/** @throws ArgumentError unless a header can hold it. */
export function checkToken(token: unknown): string | undefined {
  if (token === undefined || (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token))) return token;
  // the token itself is a secret
  throw ArgumentError.because('token', 'expected one or more ASCII characters without spaces');
}

/** @throws ArgumentError unless it is an object of texts. */
export function checkAbout(about: unknown = {}): Readonly<Record<string, string>> {
  if (typeof about === 'object' && about !== null && Object.values(about).every((text) => typeof text === 'string'))
    return about as Record<string, string>;
  throw new ArgumentError('about', about, 'an object whose values are texts');
}

/** Whether a request brings the token; the time tells nothing but the length of what it brings. */
export function hasToken(request: Request, token: string): boolean {
  const given = /^bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? '';
  let different = given.length ^ token.length;
  for (let i = 0; i < given.length; i++) different |= given.charCodeAt(i) ^ token.charCodeAt(i % token.length);
  return different === 0;
}
