// The reader of run files: a DataError, or the lines that splitting the text finds.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunLine, readRun } from '../../src/cli/run-file.ts';
import { DataError } from '../../src/common/errors.ts';
import { check, type Outcome, pick, type Random, randomBytes, refusal, type Target, within } from './engine.ts';

let folder = '';

export const runTarget: Target = {
  name: 'run',
  share: 1 / 40,
  shrinks: true,
  async prepare() {
    folder = mkdtempSync(join(tmpdir(), 'm3rec-fuzz-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  },
  make(random: Random): Uint8Array {
    if (random.below(8) === 0) return randomBytes(random, random.below(400));
    let text = Array.from({ length: random.below(40) }, () => pick(random, TOKENS)).join('');
    if (random.below(100) === 0)
      text += pick(random, ['x', ',', 'a,', '\t', 'é', '\n']).repeat(pick(random, [1025, 70_000, 1_048_576]));
    const bytes = new TextEncoder().encode(text);
    if (random.below(3) === 0 && bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
    return bytes;
  },
  run: (input) => within(2 ** 20 + 16 * input.length, () => runReader(input)),
};

const TOKENS = [
  'userId\titemId\n',
  'u1\ti1,i2\n',
  'u1',
  '__proto__',
  'constructor',
  '\t',
  '\t',
  ',',
  '\n',
  '\r\n',
  '\r',
  'i1',
  'i2',
  '物品',
  '🦊',
  '\ufeff',
  '"',
  ' ',
  '\u0000',
  '__proto__\t__proto__,toString\n',
  'u2\ta,b,c\n',
  '\tx\n',
  'u\t\n',
  'u\ta,,b\n',
  'x'.repeat(1025),
];

async function runReader(input: Uint8Array): Promise<Outcome> {
  // Nothing at all stands for a file that is not there.
  const path = join(folder, input.length === 0 ? 'no such file' : 'run.tsv');
  if (input.length > 0) writeFileSync(path, input);
  const lines: RunLine[] = [];
  let outcome: Outcome = { kind: 'accepted' };
  try {
    for await (const line of readRun(path, new AbortController().signal, () => false)) lines.push(line);
  } catch (error) {
    check(error instanceof DataError, `not a DataError: ${error instanceof Error ? error.stack : error}`);
    outcome = refusal(error);
  }
  // What came before a wrong line has been given out; all of it must be there, and right.
  const text = new TextDecoder().decode(input);
  const expected = text.split('\n').map((each) => each.replace(/\r$/, ''));
  for (const { line, user, candidates } of lines) {
    const read = expected[line - 1];
    check(
      JSON.stringify([user, candidates.join(',')]) === JSON.stringify(written(read)),
      `line ${line} reads ${JSON.stringify(read).slice(0, 200)}`,
    );
    check(user !== '' && !candidates.includes(''), `line ${line} has an empty id`);
  }
  if (outcome.kind === 'accepted') {
    const filled = expected.filter((each, i) => each !== '' && !(i === 0 && /^user_?id\t/i.test(each)));
    check(filled.length === lines.length, `${lines.length} lines of ${filled.length}`);
  }
  return outcome;
}

/** The user of a line and its candidates with commas between them; a comma or tab at the end is none. */
function written(line: string): [user: string, candidates: string] {
  if (line.startsWith('{')) {
    const { user, candidates } = JSON.parse(line);
    return [user, candidates.join(',')];
  }
  const [user, ...fields] = line.split('\t');
  if (fields.at(-1) === '') fields.pop();
  return [user, fields.length === 1 ? fields[0].replace(/,$/, '') : fields.join(',')];
}
