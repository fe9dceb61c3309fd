// Markets as bytes, to be named by their digest and sent elsewhere: a signature, the length of a JSON header, the
// header, then numbers, little-endian.
import { canonicalJson } from '../common/canonical-json.ts';
import { DataError } from '../common/errors.ts';
import { checkMarkets, type HeldOut, type Market, type Markets } from './markets.ts';

const SIGNATURE = 'M3DATA1\n';
const NAME = 'encoded markets';

interface MarketHeader {
  name: string;
  users: string[];
  items: number;
  interactions: number;
  times: boolean;
  /** [user, item, userId, itemId] or with the time, by file. */
  heldOut: Record<string, (number | string)[][]>;
}

/**
 * The markets as bytes; equal markets give equal bytes, on every host.
 * @example
 * decodeMarkets(encodeMarkets(markets)).markets.length; // → 5
 */
export function encodeMarkets({ items, markets }: Markets): Uint8Array {
  const headers = markets.map(
    (market): MarketHeader => ({
      name: market.name,
      users: market.users,
      items: market.items.length,
      interactions: market.interactions.indices.length,
      times: market.times !== undefined,
      heldOut: Object.fromEntries(
        Object.entries(market.heldOut).map(([file, rows]) => [
          file,
          rows.map(({ user, item, userId, itemId, time }) => [
            user,
            item,
            userId,
            itemId,
            ...(time === undefined ? [] : [time]),
          ]),
        ]),
      ),
    }),
  );
  const json = new TextEncoder().encode(canonicalJson({ items, markets: headers }));
  const numbers = markets.flatMap(({ items: sold, interactions, times }) => [
    ...[sold, interactions.indptr, interactions.indices].map((array) => bytesOf(Int32Array.from(array))),
    ...(times ? [bytesOf(Float64Array.from(times))] : []),
  ]);
  const size = 12 + json.length + numbers.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(size);
  bytes.set(new TextEncoder().encode(SIGNATURE));
  new DataView(bytes.buffer).setUint32(8, json.length, true);
  let at = 12;
  for (const part of [json, ...numbers]) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @throws DataError for bytes that `encodeMarkets` did not write; ArgumentError for markets that are none. */
export function decodeMarkets(bytes: Uint8Array): Markets {
  const fail = (problem: string) => new DataError(NAME, undefined, problem);
  const text = (from: number, to: number) => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes.slice(from, to));
    } catch {
      throw fail('the header is not UTF-8');
    }
  };
  if (bytes.length < 12 || text(0, 8) !== SIGNATURE) throw fail('these are other bytes, or of another version');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  if (length > bytes.length - 12) throw fail('the header is cut off');
  const { items, markets } = parse(text(12, 12 + length), fail);
  let at = 12 + length;
  const take = (count: number, width: number) => {
    if (!Number.isInteger(count) || count < 0 || count * width > bytes.length - at) throw fail('numbers are cut off');
    const part = bytes.slice(at, at + count * width).buffer;
    at += count * width;
    return part;
  };
  const read = markets.map((header): Market => {
    const sold = new Int32Array(take(header.items, 4));
    const indptr = new Int32Array(take(header.users.length + 1, 4));
    const indices = new Int32Array(take(header.interactions, 4));
    const times = header.times ? new Float64Array(take(header.interactions, 8)) : undefined;
    return {
      name: header.name,
      users: header.users,
      items: sold,
      interactions: { rows: header.users.length, cols: sold.length, indptr, indices },
      ...(times && { times }),
      heldOut: Object.fromEntries(Object.entries(header.heldOut).map(([file, rows]) => [file, rows.map(heldOutOf)])),
    };
  });
  if (at !== bytes.length) throw fail(`${bytes.length - at} bytes too many`);
  const result = { items, markets: read };
  checkMarkets(result);
  return result;
}

function heldOutOf([user, item, userId, itemId, time]: (number | string)[]): HeldOut {
  const row = { user, item, userId, itemId } as HeldOut;
  return time === undefined ? row : { ...row, time: time as number };
}

function parse(text: string, fail: (problem: string) => DataError): { items: string[]; markets: MarketHeader[] } {
  try {
    const value = JSON.parse(text);
    if (Array.isArray(value.items) && Array.isArray(value.markets)) {
      const markets = value.markets as MarketHeader[];
      if (markets.every(({ users, heldOut }) => Array.isArray(users) && typeof heldOut === 'object')) return value;
    }
  } catch {
    // said below
  }
  throw fail('the header is not what encodeMarkets writes');
}

/** Little-endian, as typed arrays are on every host that runs WebAssembly today. */
const bytesOf = (array: Int32Array | Float64Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
