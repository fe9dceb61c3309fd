import type { ModelInfo } from '../model/file.ts';
import { formatCount } from './output.ts';

/** The uses of a model file's sections. `other` includes header, section table and padding. */
const PARTS = ['items', 'similarities', 'vectors', 'users', 'for update', 'other'] as const;

/** The bytes of each part of a file. They sum to the size of the file. */
export function fileParts({ bytes, sections }: ModelInfo): { part: string; bytes: number }[] {
  const sums = new Map<string, number>(PARTS.map((part) => [part, 0]));
  let rest = bytes;
  for (const section of sections) {
    if (section.use === 'other') continue;
    sums.set(section.use, sums.get(section.use)! + section.bytes);
    rest -= section.bytes;
  }
  sums.set('other', rest);
  return Array.from(sums, ([part, sum]) => ({ part, bytes: sum }));
}

/** The variant of a model file, for JSON. */
export const variantOf = ({ users, vectors, neighbours }: ModelInfo) => ({ users, vectors, neighbours });

/** The variant of a model file in words. */
export function describeVariant({ users, vectors, neighbours }: ModelInfo): string {
  return [
    vectors === null ? 'no vectors' : `vectors in ${vectors}`,
    neighbours === null ? 'no similarities' : `at most ${formatCount(neighbours)} similarities of an item`,
    users ? 'with users' : 'without users',
  ].join(', ');
}
