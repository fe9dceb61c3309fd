// The model file taken apart and put together again, right or wrong: mutations of a part come with fresh offsets, sizes
// and checksums, so that they reach the checks behind those.
import { xxHash32 } from '../../src/common/xxhash.ts';

export const HEADER = 64;
export const ENTRY = 48;
/** Where the header's fields start; those at 16 are of 8 bytes. */
export const HEADER_FIELDS = [8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60];
/** Where the fields of an entry of the section table start; those at 16 and 24 are of 8 bytes. */
export const ENTRY_FIELDS = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44];
export const WHOLE_MODEL = 0xffffffff;

/** One section. */
export interface Part {
  code: number;
  market: number;
  dtype: number;
  rows: number;
  cols: number;
  data: Uint8Array<ArrayBuffer>;
}

/** A file as its header's fields and sections. */
export interface Draft {
  version: number;
  kind: number;
  dim: number;
  markets: number;
  items: number;
  parts: Part[];
}

/** Of a valid file. */
export function takeApart(bytes: Uint8Array): Draft {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number) => view.getUint32(at, true);
  const parts = Array.from({ length: u32(12) }, (_, i): Part => {
    const at = HEADER + ENTRY * i;
    const data = new Uint8Array(bytes.subarray(u32(at + 16), u32(at + 16) + u32(at + 24)));
    return { code: u32(at), market: u32(at + 4), dtype: u32(at + 8), rows: u32(at + 32), cols: u32(at + 36), data };
  });
  return { version: u32(8), kind: u32(24), dim: u32(28), markets: u32(32), items: u32(36), parts };
}

/** The file of a draft, whatever the draft says, with offsets, sizes and checksums that fit it. */
export function putTogether({ version, kind, dim, markets, items, parts }: Draft): Uint8Array<ArrayBuffer> {
  const align = (at: number) => Math.ceil(at / 64) * 64;
  let end = align(HEADER + ENTRY * parts.length);
  const offsets = parts.map(({ data }) => {
    const offset = end;
    end = align(offset + data.length);
    return offset;
  });
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  bytes.set([0x4d, 0x33, 0x52, 0x45, 0x43, 0x0d, 0x0a, 0x1a]);
  for (const [at, value] of [
    [8, version],
    [12, parts.length],
    [16, end],
    [24, kind],
    [28, dim],
    [32, markets],
    [36, items],
  ])
    view.setUint32(at, value, true);
  for (const [i, part] of parts.entries()) {
    const at = HEADER + ENTRY * i;
    bytes.set(part.data, offsets[i]);
    for (const [field, value] of [
      [0, part.code],
      [4, part.market],
      [8, part.dtype],
      [16, offsets[i]],
      [24, part.data.length],
      [32, part.rows],
      [36, part.cols],
    ]) {
      view.setUint32(at + field, value, true);
    }
  }
  return seal(bytes);
}

/** Writes every checksum again, as far as the file's own table leads to sections. */
export function seal(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.length < HEADER) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = HEADER + ENTRY * view.getUint32(12, true);
  if (end <= bytes.length) {
    for (let at = HEADER; at < end; at += ENTRY) {
      const offset = view.getUint32(at + 16, true);
      const size = view.getUint32(at + 24, true);
      if (offset + size <= bytes.length) view.setUint32(at + 12, xxHash32(bytes.subarray(offset, offset + size)), true);
    }
    view.setUint32(40, xxHash32(bytes.subarray(HEADER, end)), true);
  }
  view.setUint32(60, xxHash32(bytes.subarray(0, 60)), true);
  return bytes;
}
