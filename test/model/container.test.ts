// The container apart from models: files of another signature and other sections, as a stage's result is one.
import { describe, expect, it } from 'vitest';
import { ModelFileError } from '../../src/common/errors.ts';
import type { SparseMatrix } from '../../src/matrix/sparse.ts';
import { type Format, Part, readHeader, readSections, WHOLE, writeContainer } from '../../src/model/container.ts';
import { readFields } from '../../src/model/read-fields.ts';
import { type Field, sectionKinds, type Values } from '../../src/model/sections.ts';
import { writeFields } from '../../src/model/write-fields.ts';
import { decodeModel, encodeModel } from '../../src/models/file.ts';
import { fullModel, sparse } from '../support/small-model.ts';

/** Random walks of a fixed length, and the similarity B̂ that they go with. */
const FORMAT: Format = {
  signature: 'WALKS',
  names: { file: 'file of walks', whole: 'walks', part: 'shard' },
  versions: ['anything', 'names'],
};
const FIELDS: readonly Field[] = [
  { name: 'items', type: 'ids', sections: { 1: 'item ids', 2: 'item offsets' }, use: 'items', defines: 'items' },
  {
    name: 'similarity',
    type: 'matrix',
    sections: { 3: 'B indptr', 4: 'B indices', 5: 'B values' },
    use: 'similarities',
    rows: 'items',
    cols: 'items',
    required: true,
    needs: ['items'],
  },
];
const SHARD: readonly Field[] = [
  { name: 'walks', type: 'i32', sections: { 16: 'walks' }, use: 'other', cols: 'length', required: true },
  { name: 'counts', type: 'u32', sections: { 17: 'counts' }, use: 'other', rows: 'items' },
  { name: 'factors', type: 'f32', sections: { 18: 'factors' }, use: 'other', rows: 3, cols: 2 },
];
const LENGTH = 4;

interface Result {
  items: string[];
  similarity: SparseMatrix;
  shards: { walks: Int32Array; counts?: Uint32Array; factors?: Float32Array }[];
}

function encode({ shards, ...whole }: Result): Uint8Array<ArrayBuffer> {
  const sizes = { length: LENGTH };
  const sections = [
    ...writeFields(FIELDS, whole as Values, WHOLE, sizes, 'walks'),
    ...shards.flatMap((shard, s) => writeFields(SHARD, shard as Values, s, sizes, `shard ${s}`)),
  ];
  return writeContainer(FORMAT, [7, LENGTH, 0], shards.length, sections);
}

function decode(bytes: Uint8Array): Result {
  const header = readHeader(FORMAT, bytes);
  const sizes: Record<string, number> = { length: header.words[1] };
  const sections = readSections(header, { whole: sectionKinds(FIELDS), part: sectionKinds(SHARD) });
  const part = (number: number) =>
    new Part(
      header,
      number,
      sections.filter((section) => section.part === number),
    );
  const whole = readFields(FIELDS, part(WHOLE), sizes);
  const shards = Array.from({ length: header.parts }, (_, s) => readFields(SHARD, part(s), sizes));
  return { ...whole, shards } as unknown as Result;
}

const result = (): Result => ({
  items: ['a', 'b', 'ß', '物'],
  similarity: sparse(
    [
      [0, 0.5, 0, -1],
      [2, 0, 0, 0],
      [0, 0, 0, 0],
      [0.25, 1e-3, 7, 0],
    ],
    4,
  ),
  shards: [
    { walks: Int32Array.of(0, 1, 2, 3, 3, 2, -1, -1, 1, 1, 1, 1), counts: Uint32Array.of(1, 2, 3, 4) },
    { walks: new Int32Array(0), factors: Float32Array.of(1, 2, 3, 4, 5, 6) },
  ],
});

const refusal = (bytes: Uint8Array): string => {
  try {
    decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFileError);
    return (error as Error).message;
  }
  return 'accepted';
};

describe('a file of another format', () => {
  it('gives back what was stored, as views of its bytes, and the same bytes for the same values', () => {
    const bytes = encode(result());
    const read = decode(bytes);
    expect(read).toEqual(result());
    expect(read.shards[0].walks.buffer).toBe(bytes.buffer);
    expect(encode(read)).toEqual(bytes);
  });

  it('is refused at every length but its own', () => {
    const bytes = encode(result());
    for (let length = 0; length < bytes.length; length++)
      expect(refusal(bytes.subarray(0, length))).toMatch(/truncated|not a file of walks/);
    expect(refusal(Uint8Array.of(...bytes, 0))).toMatch(/1 bytes after the end/);
  });

  it('is refused with any one bit changed', () => {
    const bytes = encode(result());
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      bytes[bit >> 3] ^= 1 << (bit & 7);
      expect(refusal(bytes), `bit ${bit}`).not.toBe('accepted');
      bytes[bit >> 3] ^= 1 << (bit & 7);
    }
    expect(refusal(bytes)).toBe('accepted');
  });

  it('is no model file, nor is a model file one', () => {
    expect(() => decodeModel(encode(result()))).toThrow(
      'not a model file: header at byte 0: found 57 41 4c 4b 53 0d 0a',
    );
    expect(refusal(encodeModel(fullModel()))).toMatch(/^not a file of walks: .*expected the signature "WALKS"$/);
  });

  it.each<[string, (broken: Result) => void, RegExp]>([
    [
      'a missing section',
      ({ shards }) => Object.assign(shards[1], { walks: undefined }),
      /section table at byte 64: found no section "walks" of shard 1, expected one, since it is required/,
    ],
    [
      'a matrix of another shape',
      ({ items }) => items.pop(),
      /section "B indptr" at byte \d+: found shape 5 × 1, expected 4 × 1/,
    ],
    [
      'a field without what it needs',
      (broken) => Object.assign(broken, { items: undefined }),
      /section "B indptr" at byte \d+: found the section alone, expected with it "item ids", "item offsets"/,
    ],
    [
      'an index out of range',
      ({ similarity }) => similarity.indices.set([4], 1),
      /section "B indices" at byte \d+: found 4 after 1, expected indices that rise and stay below 4/,
    ],
    [
      'a value that is no number',
      ({ shards }) => shards[1].factors!.set([Number.NaN], 3),
      /section "factors" of shard 1 at byte \d+: found a value that is not finite/,
    ],
    [
      'a shape that is fixed',
      ({ shards }) => Object.assign(shards[1], { factors: new Float32Array(4) }),
      /section "factors" of shard 1 at byte \d+: found shape 2 × 2, expected 3 × 2/,
    ],
  ])('is refused for %s', (_, change, message) => {
    const broken = result();
    change(broken);
    expect(refusal(encode(broken))).toMatch(message);
  });

  it('has the lowest version that can hold it, and no other', () => {
    const NEWER: readonly Field[] = [{ name: 'text', type: 'text', sections: { 9: 'text' }, use: 'other' }];
    const sections = () => writeFields(NEWER, { text: 'x' }, WHOLE, {}, 'walks');
    const kinds = { whole: sectionKinds(NEWER), part: [] };
    const open = (version?: number, least?: number) =>
      readSections(readHeader(FORMAT, writeContainer(FORMAT, [0, 0, 0], 0, sections(), version)), kinds, least);
    expect(open()).toHaveLength(1);
    expect(open(2, 2)).toHaveLength(1);
    expect(() => open(2)).toThrow('found format version 2 without names, expected 1');
    expect(() => open(1, 2)).toThrow('found format version 1, expected 2, which this sort of file needs');
  });
});
