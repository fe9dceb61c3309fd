import { DataError } from '../common/errors.ts';
import { MAX_FIELD } from '../data/rows.ts';
import { nameOfInput, readInput } from '../node/input.ts';

/** Longest line, in UTF-16 code units: a candidate list of about a million ids. */
const MAX_LINE = 1 << 24;

/** One line of a file, without its end. */
export interface Line {
  text: string;
  /** 1-based. */
  number: number;
}

/**
 * Streams the lines of a file or of standard input (`-`). Lines end in LF or CRLF; a byte order mark is skipped.
 * @throws DataError, with the line, for a file that is missing or not UTF-8, or for a line that is too long;
 * AbortedError.
 */
export async function* readLines(path: string, signal: AbortSignal): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const name = nameOfInput(path);
  let pending = '';
  let number = 1;
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      throw new DataError(name, number, 'invalid UTF-8 at or after this line; save the file as UTF-8');
    }
  };
  const line = (text: string): Line => ({ text: text.replace(/\r$/, ''), number: number++ });
  for await (const bytes of readInput(path, signal)) {
    const lines = (pending + decode(bytes)).split('\n');
    pending = lines.pop()!;
    if (pending.length > MAX_LINE)
      throw new DataError(name, number + lines.length, `a line of more than ${MAX_LINE} characters`);
    for (const text of lines) yield line(text);
  }
  pending += decode();
  if (pending !== '') yield line(pending);
}

/**
 * Reads a file with an id on each line. Blank lines and a header line (`itemId`, `user_id` …) are skipped.
 * @throws DataError as `readLines`, and for an id that is too long, or a file without ids.
 */
export async function readIds(path: string, signal: AbortSignal): Promise<string[]> {
  const ids: string[] = [];
  for await (const { text, number } of readLines(path, signal)) {
    if (text === '' || (number === 1 && /^(market\t)?(user|item)_?id$/i.test(text))) continue;
    if (text.length > MAX_FIELD)
      throw new DataError(nameOfInput(path), number, `an id of more than ${MAX_FIELD} characters`);
    ids.push(text);
  }
  if (ids.length === 0) throw new DataError(nameOfInput(path), undefined, 'found no id, expected one on each line');
  return ids;
}
