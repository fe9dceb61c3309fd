import { DataError } from '../common/errors.ts';
import { MAX_FIELD } from '../data/rows.ts';
import { nameOfInput } from '../node/input.ts';
import { resolveFields } from './id-lists.ts';
import { readLines } from './lines.ts';

/** One line of a run file: a user and the items to put in order. */
export interface RunLine {
  user: string;
  candidates: string[];
  /** 1-based. */
  line: number;
}

const FORMS = 'user<TAB>item,item,..., user<TAB>item<TAB>item..., or {"user": ..., "candidates": [...]}';

/**
 * Streams a run file or standard input (`-`). A line is `user<TAB>item,item,…`, or, for ids with commas,
 * `user<TAB>item<TAB>item…` or `{"user": …, "candidates": […]}`. Blank lines, a header line (`userId<TAB>…`), and a
 * comma or tab at the end of a line are skipped. A user may have no candidates.
 *
 * @param known whether an id is an item of the market; resolves ids with commas
 * @throws DataError, with the line, for a file that is missing, empty or not UTF-8, or that has a line of another form;
 * AbortedError.
 */
export async function* readRun(
  path: string,
  signal: AbortSignal,
  known: (id: string) => boolean,
): AsyncGenerator<RunLine> {
  const name = nameOfInput(path);
  let found = false;
  for await (const { text, number } of readLines(path, signal)) {
    if (text === '') continue;
    found = true;
    if (number === 1 && /^user_?id\t/i.test(text)) continue;
    const fail = (problem: string) => new DataError(name, number, problem);
    const run = text.startsWith('{') ? parseJson(text, fail) : parseTabs(text, known, fail);
    if (run.user === '') throw fail(`the user is empty: expected ${FORMS}`);
    if (run.candidates.includes('')) throw fail(`an item is empty: expected ${FORMS}`);
    if (run.user.length > MAX_FIELD || run.candidates.some((item) => item.length > MAX_FIELD))
      throw fail(`an id of more than ${MAX_FIELD} characters`);
    yield { ...run, line: number };
  }
  if (!found) throw new DataError(name, undefined, `the file is empty: expected lines of ${FORMS}`);
}

type Run = Omit<RunLine, 'line'>;
type Fail = (problem: string) => DataError;

function parseTabs(text: string, known: (id: string) => boolean, fail: Fail): Run {
  const [user, ...fields] = text.split('\t');
  if (fields.length === 0) throw fail(`no tab: expected ${FORMS}`);
  if (fields.at(-1) === '') fields.pop();
  if (fields.length !== 1) return { user, candidates: fields };
  const [list] = fields;
  if (!list.includes(',') || known(list)) return { user, candidates: [list] };
  const items = list.replace(/,$/, '').split(',');
  return { user, candidates: items.includes('') ? items : resolveFields(items, known) };
}

function parseJson(text: string, fail: Fail): Run {
  let value: { user?: unknown; candidates?: unknown };
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fail(`invalid JSON (${(error as Error).message}): expected ${FORMS}`);
  }
  const { user, candidates } = value;
  if (typeof user !== 'string' || !Array.isArray(candidates) || candidates.some((item) => typeof item !== 'string'))
    throw fail('expected {"user": "id", "candidates": ["id", ...]}, with ids as text');
  return { user, candidates };
}
