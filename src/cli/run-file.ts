import { createReadStream } from 'node:fs';
import { DataError } from '../common/errors.ts';
import { MAX_FIELD } from '../data/rows.ts';
import { fileError } from '../node/system-error.ts';

/** Longest line, in UTF-16 code units: a candidate list of about a million ids. */
const MAX_LINE = 1 << 24;

/** One line of a run file: a user and the items to put in order. */
export interface RunLine {
  user: string;
  candidates: string[];
  /** 1-based. */
  line: number;
}

/**
 * Streams a run file, `user<TAB>item,item,…` a line; blank lines and a header line (`userId<TAB>…`) are skipped.
 * @throws DataError, with the line, for a file that is missing, empty, not UTF-8, or has a line of another form.
 */
export async function* readRun(path: string): AsyncGenerator<RunLine> {
  let line = 0;
  let found = false;
  for await (const text of readLines(path)) {
    line++;
    if (text === '') continue;
    const tab = text.indexOf('\t');
    if (tab < 0) throw new DataError(path, line, 'no tab: expected user<TAB>item,item,...');
    const user = text.slice(0, tab);
    found = true;
    if (line === 1 && /^user_?id$/i.test(user)) continue;
    const candidates = text.slice(tab + 1).split(',');
    if (user === '') throw new DataError(path, line, 'the user is empty');
    if (candidates.includes('')) throw new DataError(path, line, 'an item is empty: expected user<TAB>item,item,...');
    if (user.length > MAX_FIELD || candidates.some((item) => item.length > MAX_FIELD))
      throw new DataError(path, line, `an id of more than ${MAX_FIELD} characters`);
    yield { user, candidates, line };
  }
  if (!found) throw new DataError(path, undefined, 'the file is empty');
}

async function* readLines(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let pending = '';
  let line = 1;
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      throw new DataError(path, line, 'invalid UTF-8 at or after this line');
    }
  };
  const stream = createReadStream(path);
  try {
    for await (const bytes of stream) {
      const lines = (pending + decode(bytes as Uint8Array)).split('\n');
      pending = lines.pop()!;
      if (pending.length > MAX_LINE)
        throw new DataError(path, line + lines.length, `a line of more than ${MAX_LINE} characters`);
      for (const text of lines) {
        yield text.replace(/\r$/, '');
        line++;
      }
    }
  } catch (error) {
    throw fileError(path, error);
  }
  pending += decode();
  if (pending !== '') yield pending.replace(/\r$/, '');
}
