// Checks of what a Parquet file claims, before hyparquet allocates or loops for it.
import { getMaxDefinitionLevel } from 'hyparquet/src/schema.js';
import type { ColumnDecoder, PageHeader } from 'hyparquet/src/types.js';

/** Structs, and lists in lists, inside each other. */
const MAX_DEPTH = 32;

/**
 * Follows a struct of Thrift's compact protocol from `start` on; throws where a list or text is longer than what is
 * left.
 */
export function checkThrift(bytes: Uint8Array, start: number, end: number): void {
  let at = start;
  const byte = (): number => {
    if (at >= end) throw new Error('its metadata is cut short');
    return bytes[at++];
  };
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const next = byte();
      value += (next & 127) * 2 ** shift;
      if (next < 128) return value;
    }
    throw new Error('its metadata has a number without end');
  };
  const skip = (count: number): void => {
    if (count > end - at) throw new Error('its metadata has a text that is longer than it');
    at += count;
  };
  const element = (type: number, depth: number): void => {
    if (depth > MAX_DEPTH) throw new Error('its metadata is too deep');
    if (type === 3) skip(1);
    else if (type >= 4 && type <= 6) varint();
    else if (type === 7) skip(8);
    else if (type === 8) skip(varint());
    else if (type === 9) {
      const head = byte();
      const size = head >> 4 === 15 ? varint() : head >> 4;
      if (size > end - at) throw new Error('its metadata has a list that is longer than it');
      const kind = head & 15;
      for (let i = 0; i < size; i++) element(kind === 1 || kind === 2 ? 3 : kind, depth + 1);
    } else if (type === 12) struct(depth + 1);
    else if (type !== 1 && type !== 2) throw new Error('its metadata has a type that is not known');
  };
  const struct = (depth: number): void => {
    if (depth > MAX_DEPTH) throw new Error('its metadata is too deep');
    for (let head = byte(); (head & 15) !== 0; head = byte()) {
      if (head >> 4 === 0) varint();
      element(head & 15, depth);
    }
  };
  struct(0);
}

/**
 * Follows the runs of a data page's levels and of its places in a dictionary; throws where they are more than its
 * values.
 * @param packed the page as it lies in the file. @param page its data unpacked, without the levels for version 2.
 */
export function checkRuns(
  header: PageHeader,
  packed: Uint8Array,
  page: Uint8Array,
  { schemaPath, type }: ColumnDecoder,
): void {
  const { data_page_header: one, data_page_header_v2: two } = header;
  const optional = getMaxDefinitionLevel(schemaPath) > 0;
  let values = one?.num_values ?? two?.num_values ?? 0;
  let from = 0;
  if (two && optional) {
    const start = two.repetition_levels_byte_length;
    followRuns(packed, start, start + two.definition_levels_byte_length, 1, values);
    if (!(two.num_nulls >= 0 && two.num_nulls <= values)) throw new Error('a page has more nulls than values');
    values -= two.num_nulls;
  } else if (one && optional) {
    if (page.length < 4) throw new Error('a page is cut short');
    const length = new DataView(page.buffer, page.byteOffset, page.length).getUint32(0, true);
    from = 4 + length;
    if (from > page.length) throw new Error('the levels of a page are longer than it');
    values = followRuns(page, 4, from, 1, values);
  }
  const encoding = one?.encoding ?? two?.encoding;
  if (encoding === 'PLAIN_DICTIONARY' || encoding === 'RLE_DICTIONARY') {
    const width = page[from];
    if (values > 0 && !(width <= 32)) throw new Error('a page has places of more than 32 bits');
    followRuns(page, from + 1, page.length, width, values);
  } else if (encoding === 'RLE') followRuns(page, from + (type === 'BOOLEAN' && one ? 4 : 0), page.length, 1, values);
  else if (encoding === 'PLAIN' && values > 8 * (page.length - from))
    throw new Error('a page has more values than bits');
  else if (values > 1024 * (page.length - from)) throw new Error('a page has more values than its size can hold');
}

/** Follows a hybrid of runs and packed bits up to `count` values. @returns how many of them are 1, for a width of 1. */
function followRuns(bytes: Uint8Array, start: number, end: number, width: number, count: number): number {
  let at = start;
  let ones = 0;
  for (let seen = 0; seen < count; ) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= end || shift > 28) throw new Error('the runs of a page end too early');
      header += (bytes[at] & 127) * 2 ** shift;
      if (bytes[at++] < 128) break;
    }
    const length = Math.floor(header / 2);
    if (length === 0) throw new Error('a page has an empty run');
    if (header % 2 === 0) {
      if (length > count - seen) throw new Error('a run is longer than its page');
      if (bytes[at] & 1) ones += length;
      at += (width + 7) >> 3;
      seen += length;
    } else {
      const packed = 8 * length;
      if (packed > count - seen + 512) throw new Error('a run is longer than its page');
      if (width === 1)
        for (let i = 0; i < packed && seen + i < count; i++) ones += (bytes[at + (i >> 3)] >> (i & 7)) & 1;
      // without bits, hyparquet reads a byte all the same
      at += Math.max(1, width * length);
      seen += packed;
    }
  }
  return ones;
}

/**
 * Follows a Snappy stream without unpacking it: hyparquet's loop takes lengths from 2³¹ on for negative ones and goes
 * back. Throws unless each element lies in the stream, copies what is there, and all of them together give `size` bytes.
 */
export function checkSnappy(bytes: Uint8Array, size: number): void {
  const end = bytes.length;
  const number = (from: number, length: number): number => {
    if (from + length > end) throw new Error('a Snappy page is cut short');
    let value = 0;
    for (let i = 0; i < length; i++) value += bytes[from + i] * 2 ** (8 * i);
    return value;
  };
  let at = 0;
  while (at < end && bytes[at] > 127) at++;
  at++;
  let made = 0;
  while (at < end) {
    const tag = bytes[at++];
    const kind = tag & 3;
    let length = (tag >> 2) + 1;
    if (kind === 0) {
      if (length > 60) {
        const more = length - 60;
        length = number(at, more) + 1;
        at += more;
      }
      at += length;
      if (at > end) throw new Error('a Snappy page is cut short');
    } else {
      if (kind === 1) length = ((tag >> 2) & 7) + 4;
      const width = kind === 3 ? 4 : kind;
      const offset = number(at, width) + (kind === 1 ? (tag >> 5) * 256 : 0);
      at += width;
      if (offset === 0 || offset > made) throw new Error('a Snappy page copies what is not there');
    }
    made += length;
    if (made > size) throw new Error('a Snappy page is longer than it is said to be');
  }
  if (made !== size) throw new Error('a Snappy page is shorter than it is said to be');
}
