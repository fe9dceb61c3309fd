import { ArgumentError } from '../common/errors.ts';
import type { Cors } from './answer.ts';

/** @throws ArgumentError unless each origin is one that a browser may send: a page's address without path. */
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

/** The origin of an address, as browsers send it; undefined for what is no address. */
function originOf(address: unknown): string | undefined {
  if (typeof address !== 'string') return undefined;
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return undefined;
  }
  // Pages of extensions and the like have an origin too, which URL does not tell.
  if (url.origin === 'null') return url.host === '' ? undefined : `${url.protocol}//${url.host}`;
  return url.origin;
}

/** @throws ArgumentError unless it is the start of a path, each character as a URL holds it. */
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
    throw new ArgumentError(argument, value, 'the value of a header');
  return value;
}
