// Ranks of held-out rows as a compact file: which rows they are lies in blobs that all trials on the same data share.
import { canonicalJson } from '../common/canonical-json.ts';
import { DataError } from '../common/errors.ts';
import type { RowResult } from '../evaluate/evaluate.ts';
import { type BlobStore, jsonCodec, readBlob } from '../threads/work.ts';

const SIGNATURE = 'M3RANKS1';

/** The ranks of one market's rows of a held-out file, under one protocol. */
export interface RankedPart {
  protocol: string;
  heldOut: string;
  market: string;
  users: string[];
  items: string[];
  /** From 1; half ranks where an even number of items ties. */
  ranks: number[];
}

/** The rows of a part, apart. */
interface PartHeader {
  protocol: string;
  heldOut: string;
  market: string;
  /** SHA-256 of the rows. */
  rows: string;
  count: number;
  /** Bytes of a rank: twice the rank, as an unsigned number. */
  width: 2 | 4;
}

type Rows = Pick<RankedPart, 'users' | 'items'>;
const rowsCodec = jsonCodec<Rows>();

/** The part of an evaluation's market. */
export function partOf(protocol: string, heldOut: string, market: string, rows: readonly RowResult[]): RankedPart {
  return {
    protocol,
    heldOut,
    market,
    users: rows.map(({ user }) => user),
    items: rows.map(({ item }) => item),
    ranks: rows.map(({ rank }) => rank),
  };
}

/** Puts ranks, and the rows that they are of, into a store. @returns the digest of the ranks */
export async function putRanks(blobs: BlobStore, parts: readonly RankedPart[]): Promise<string> {
  const headers: PartHeader[] = [];
  for (const { protocol, heldOut, market, users, items, ranks } of parts) {
    const rows = await blobs.put(rowsCodec.encode({ users, items }));
    const width = ranks.every((rank) => 2 * rank < 65536) ? 2 : 4;
    headers.push({ protocol, heldOut, market, rows, count: ranks.length, width });
  }
  const json = new TextEncoder().encode(canonicalJson(headers));
  const size = headers.reduce((sum, { count, width }) => sum + count * width, SIGNATURE.length + 4 + json.length);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(SIGNATURE));
  view.setUint32(SIGNATURE.length, json.length, true);
  let at = SIGNATURE.length + 4;
  bytes.set(json, at);
  at += json.length;
  for (const [i, { width }] of headers.entries())
    for (const rank of parts[i].ranks) {
      if (width === 2) view.setUint16(at, 2 * rank, true);
      else view.setUint32(at, 2 * rank, true);
      at += width;
    }
  return blobs.put(bytes);
}

/** The digests of the rows that ranks name: what must be kept with them. @throws DataError */
export const rowsOfRanks = (bytes: Uint8Array): string[] => readHeaders(bytes).headers.map(({ rows }) => rows);

/**
 * The ranks of a trial's rows, from the bytes that its `ranks` is the digest of.
 *
 * @example
 * const one = checkExperiment({ models: [{ model: 'popularity' }], lists: 0 });
 * const there = localExecutor();
 * const { trials } = await prepareExperiment(one, markets, there.blobs);
 * const [trial] = await runTrials(trials, { executor: there, store: memoryTrials(there.blobs), build: 'test' });
 * const [part] = await readRanks(there.blobs, await there.blobs.get(trial.ranks));
 * [part.protocol, part.market]; // → ['clean', 'de']
 *
 * @throws DataError for other bytes; ArgumentError where rows are not in the store.
 */
export async function readRanks(blobs: BlobStore, bytes: Uint8Array): Promise<RankedPart[]> {
  const { headers, start } = readHeaders(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: RankedPart[] = [];
  let at = start;
  for (const { protocol, heldOut, market, rows, count, width } of headers) {
    const { users, items } = rowsCodec.decode(await readBlob(blobs, rows));
    if (users.length !== count || items.length !== count) throw fail(`${count} ranks of ${users.length} rows`);
    const ranks = Array.from({ length: count }, (_, i) =>
      width === 2 ? view.getUint16(at + 2 * i, true) / 2 : view.getUint32(at + 4 * i, true) / 2,
    );
    at += count * width;
    parts.push({ protocol, heldOut, market, users, items, ranks });
  }
  return parts;
}

function readHeaders(bytes: Uint8Array): { headers: PartHeader[]; start: number } {
  const text = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
  const from = SIGNATURE.length + 4;
  if (bytes.length < from || text(0, SIGNATURE.length) !== SIGNATURE) throw fail('these are other bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = from + view.getUint32(SIGNATURE.length, true);
  if (start > bytes.length) throw fail('the header is cut off');
  let headers: PartHeader[];
  try {
    headers = JSON.parse(text(from, start));
  } catch {
    throw fail('the header is no JSON');
  }
  const sound =
    Array.isArray(headers) &&
    headers.every(({ count, width }) => Number.isInteger(count) && count >= 0 && (width === 2 || width === 4));
  if (!sound || headers.reduce((sum, { count, width }) => sum + count * width, start) !== bytes.length)
    throw fail('the ranks are not as long as the header says');
  return { headers, start };
}

const fail = (problem: string) => new DataError('ranks', undefined, problem);
