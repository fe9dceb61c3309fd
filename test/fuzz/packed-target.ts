// The readers of packed and binary files: a file that is whole gives its rows, a damaged one a DataError or rows that
// keep every promise, the same however the file arrives, in bounded memory.
import { gunzipSync, gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { DataError } from '../../src/common/errors.ts';
import { xxHash32 } from '../../src/common/xxhash.ts';
import { MAX_FIELD, readRows } from '../../src/data/rows.ts';
import type { RowSource } from '../../src/data/source.ts';
import { SplitMix } from '../../src/data/splitmix.ts';
import { join, zipOf, zstdOf } from '../support/packed.ts';
import { check, type Outcome, pick, type Random, randomBytes, refusal, type Target, within } from './engine.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type Pair = [user: string, item: string];
interface Format {
  name: string;
  /** Bytes that any one array may have beside 16 for each byte of the file: the limit that the reader names. */
  allowed: number;
  write(rows: readonly Pair[], random: Random): Bytes;
  /** What must hold of a file that is read; `made` has the rows that it was made of, where they are known. */
  oracle?(input: Bytes, rows: readonly Pair[], made: readonly Pair[] | undefined): Promise<void>;
}

const MIB = 2 ** 20;
const encode = (text: string) => new TextEncoder().encode(text) as Bytes;
const IDS = [
  'u1',
  'i1',
  '__proto__',
  'constructor',
  'naïve',
  '物品',
  '🦊',
  'a,b',
  'x"y',
  'a b',
  '0',
  '-1',
  'NaN',
  'x'.repeat(200),
];

const csvOf = (rows: readonly Pair[]) => {
  const field = (id: string) => (/[",]/.test(id) ? `"${id.replaceAll('"', '""')}"` : id);
  return `userId,itemId\n${rows.map((row) => `${row.map(field).join(',')}\n`).join('')}`;
};

const FORMATS: Format[] = [
  {
    name: 'gzip',
    allowed: 8 * MIB,
    write: (rows, random) => {
      const text = encode(csvOf(rows));
      const cut = random.below(3) === 0 ? random.below(text.length + 1) : text.length;
      // Several members are one file.
      return join(
        ...[text.subarray(0, cut), text.subarray(cut)]
          .filter((part) => part.length > 0)
          .map((part) => gzipSync(part, { level: random.below(10) })),
      );
    },
    oracle: async (input, rows, made) => {
      let text: Bytes | undefined;
      try {
        text = new Uint8Array(gunzipSync(input, { maxOutputLength: 64 * MIB }));
      } catch {
        // Bytes before a member's trailer, or a wrong complement of a stored block's length: the checksum vouches.
        check(
          made === undefined || sameRows(rows, made),
          'other rows than those that were packed, and zlib refuses it',
        );
        return;
      }
      const plain = await read(text);
      check(plain.error === undefined && sameRows(plain.rows, rows), 'other rows than those of what zlib unpacks');
    },
  },
  {
    name: 'zip',
    allowed: 8 * MIB,
    write: (rows, random) => zipOf('rows.csv', encode(csvOf(rows)), random.below(2) === 0),
    oracle: async (_input, rows, made) =>
      check(made === undefined || sameRows(rows, made), 'other rows than those that were packed'),
  },
  {
    name: 'zstd',
    allowed: 130 * MIB,
    write: (rows, random) => zstdOf(encode(csvOf(rows)), random),
  },
  {
    name: 'json',
    allowed: 8 * MIB,
    write: (rows, random) => {
      const objects = rows.map(([userId, itemId]) =>
        random.below(2) === 0 ? { userId, itemId } : { extra: [1, { a: null }], itemId, userId },
      );
      return encode(
        random.below(2) === 0
          ? objects.map((row) => `${JSON.stringify(row)}\n`).join('')
          : JSON.stringify(objects, null, random.below(3)),
      );
    },
  },
  {
    name: 'parquet',
    // A page may unpack to 256 MiB.
    allowed: 257 * MIB,
    write: (rows, random) =>
      new Uint8Array(
        parquetWriteBuffer({
          codec: pick(random, ['SNAPPY', 'UNCOMPRESSED'] as const),
          rowGroupSize: 1 + random.below(50),
          columnData: [
            { name: 'userId', data: rows.map(([user]) => user), type: 'STRING' },
            { name: 'n', data: rows.map((_, i) => i), type: 'INT32' },
            { name: 'itemId', data: rows.map(([, item]) => item), type: 'STRING' },
          ],
        }),
      ),
  },
];

/** What the file that was made last was made of. */
let last: { hash: number; rows: Pair[]; whole: boolean } | undefined;

export const packedTargets: Target[] = FORMATS.map((format) => ({
  name: format.name,
  share: 1 / 48,
  shrinks: true,
  make: (random) => {
    const rows = Array.from({ length: 1 + random.below(40) }, (): Pair => [pick(random, IDS), pick(random, IDS)]);
    const bytes = format.write(rows, random);
    if (random.below(50) === 0) return randomBytes(random, random.below(400));
    const whole = random.below(4) === 0;
    const result = whole ? bytes : damaged(random, bytes);
    last = { hash: xxHash32(result), rows, whole };
    return result;
  },
  run: (input) => within(format.allowed + 16 * input.length, () => run(format, input as Bytes)),
}));

async function run(format: Format, input: Bytes): Promise<Outcome> {
  const found = await read(input);
  const made = last?.hash === xxHash32(input) ? last : undefined;
  if (made?.whole)
    check(
      found.error === undefined && sameRows(found.rows, made.rows),
      `a whole file: ${found.error?.message ?? 'other rows'}`,
    );
  const random = new SplitMix(xxHash32(input));
  const again = await read(pieces(input, random));
  check(
    (found.error === undefined) === (again.error === undefined),
    `whole: ${found.error?.message ?? 'read'}; in pieces: ${again.error?.message ?? 'read'}`,
  );
  if (found.error) return refusal(found.error);
  check(sameRows(found.rows, again.rows), 'other rows in pieces');
  for (const row of found.rows)
    for (const id of row)
      check(
        id !== '' &&
          id.length <= MAX_FIELD &&
          id.trim() === id &&
          !/[\0\ud800-\udfff]/.test(id.replace(/[\ud800-\udbff][\udc00-\udfff]/g, '')),
        `the id ${JSON.stringify(id)}`,
      );
  await format.oracle?.(input, found.rows, made?.rows);
  return { kind: 'accepted' };
}

async function read(source: RowSource): Promise<{ rows: Pair[]; error?: DataError }> {
  const rows: Pair[] = [];
  try {
    await readRows(source, 'rows', (user, item) => rows.push([user, item]), {});
    return { rows };
  } catch (error) {
    refusal(error);
    check(error instanceof DataError, `a ${(error as Error).name} where the file is wrong`);
    return { rows, error };
  }
}

const sameRows = (a: readonly Pair[], b: readonly Pair[]) => JSON.stringify(a) === JSON.stringify(b);

function* pieces(input: Bytes, random: Random): Generator<Uint8Array> {
  for (let at = 0; at < input.length; ) {
    const size = 1 + random.below(300);
    yield input.subarray(at, at + size);
    at += size;
  }
}

/** One to three accidents: bits, bytes, numbers at their limits, parts cut out, doubled or exchanged. */
function damaged(random: Random, bytes: Bytes): Bytes {
  let result = bytes.slice();
  for (let accidents = 1 + random.below(3); accidents > 0; accidents--) {
    const at = random.below(result.length + 1);
    const length = 1 + random.below(8);
    switch (random.below(7)) {
      case 0:
        result = result.slice(0, at);
        break;
      case 1:
        if (at < result.length) result[at] ^= 1 << random.below(8);
        break;
      case 2:
        if (at < result.length) result[at] = pick(random, [0, 1, 0x7f, 0x80, 0xfe, 0xff]);
        break;
      case 3:
        result.fill(pick(random, [0, 0xff]), at, at + length);
        break;
      case 4:
        result = join(result.subarray(0, at), randomBytes(random, length), result.subarray(at));
        break;
      case 5:
        result = join(result.subarray(0, at), result.subarray(Math.min(result.length, at + length)));
        break;
      default:
        result = join(result.subarray(0, at), result.subarray(random.below(at + 1)));
    }
  }
  return result;
}
