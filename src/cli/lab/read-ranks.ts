// Ranks to compare: of a table that `evaluate --per-user` wrote, or of a model in an experiment's folder.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { ArgumentError, DataError } from '../../common/errors.ts';
import type { MarketRanks } from '../../lab/compare-ranks.ts';
import type { CheckedExperiment } from '../../lab/experiment.ts';
import { readRanks } from '../../lab/ranks.ts';
import type { TrialLine } from '../../lab/run.ts';
import { resultsOf } from '../../lab/summary.ts';
import { folderBlobs } from '../../node/blob-folder.ts';
import { attempt } from '../../node/system-error.ts';
import { readTrials, TRIALS } from '../../node/trial-folder.ts';
import { readLines } from '../lines.ts';

/** The file of an experiment's folder that says what ran. */
export const EXPERIMENT = 'experiment.json';

/** What that file holds. */
export interface ExperimentRecord {
  experiment: CheckedExperiment;
  /** Of its trials. */
  keys: string[];
  /** SHA-256 of the markets. */
  data: string;
}

const COLUMNS = ['market', 'userId', 'itemId', 'rank'] as const;

/** Whether a path is a table of ranks. */
export const isTable = (path: string) => ['.csv', '.tsv', '.jsonl'].includes(extname(path).toLowerCase());

/**
 * Reads a table of ranks; of several models in it the one that is named.
 * @throws DataError with the line; ArgumentError for a file of several models of which none is named.
 */
export async function readRankTable(
  path: string,
  model: string | undefined,
  signal: AbortSignal,
): Promise<MarketRanks[]> {
  const kind = extname(path).toLowerCase();
  const markets = new Map<string, { users: string[]; items: string[]; ranks: number[] }>();
  const models = new Set<string>();
  let header: string[] | undefined;
  for await (const { text, number } of readLines(path, signal)) {
    if (text === '') continue;
    const fail = (problem: string) => new DataError(path, number, problem);
    if (kind !== '.jsonl' && header === undefined) {
      header = fieldsOf(text, kind);
      const missing = COLUMNS.filter((column) => !header!.includes(column));
      if (missing.length > 0)
        throw fail(`no column ${missing.join(', ')}; expected a table that evaluate --per-user wrote`);
      continue;
    }
    const row = header === undefined ? parseLine(text, fail) : named(header, fieldsOf(text, kind), fail);
    if (row.model !== undefined) models.add(row.model);
    if (model !== undefined && row.model !== model) continue;
    const rank = Number(row.rank);
    if (!(rank >= 1) || row.market === undefined || row.userId === undefined || row.itemId === undefined)
      throw fail('expected a market, a user, an item and a rank from 1 on');
    const market = markets.get(row.market) ?? { users: [], items: [], ranks: [] };
    market.users.push(row.userId);
    market.items.push(row.itemId);
    market.ranks.push(rank);
    markets.set(row.market, market);
  }
  const names = [...models].join(', ');
  if (model !== undefined && markets.size === 0)
    throw new ArgumentError('model', model, names === '' ? 'none: the table names no models' : `one of ${names}`);
  if (model === undefined && models.size > 1)
    throw ArgumentError.because('file', `${path} has the ranks of ${names}; say which: ${path}:${[...models][0]}`);
  if (markets.size === 0) throw new DataError(path, undefined, 'no ranks');
  return [...markets].map(([market, ranks]) => ({ market, ...ranks }));
}

type Row = Partial<Record<string, string>>;

function named(header: readonly string[], fields: readonly string[], fail: (problem: string) => DataError): Row {
  if (fields.length !== header.length) throw fail(`${fields.length} fields, expected ${header.length}`);
  return Object.fromEntries(header.map((name, i) => [name, fields[i]]));
}

function parseLine(text: string, fail: (problem: string) => DataError): Row {
  try {
    const value = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // said below
  }
  throw fail('no JSON object');
}

function fieldsOf(text: string, kind: string): string[] {
  if (kind === '.tsv' && !text.includes('"')) return text.split('\t');
  const fields: string[] = [];
  const field = kind === '.tsv' ? /(?:"((?:[^"]|"")*)"|([^\t]*))(\t|$)/y : /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/y;
  for (;;) {
    const match = field.exec(text);
    if (!match) return [...fields, text.slice(fields.length === 0 ? 0 : field.lastIndex)];
    fields.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
    if (match[3] === '') return fields;
  }
}

/**
 * The ranks of a model of an experiment: those of its best trial on the rows that are reported.
 * @throws DataError for a folder without an experiment; ArgumentError for another model or protocol.
 */
export async function readTrialRanks(
  folder: string,
  model: string,
  protocol: string | undefined,
): Promise<{ ranks: MarketRanks[]; protocol: string }> {
  const file = join(folder, EXPERIMENT);
  if (!existsSync(file)) throw new DataError(folder, undefined, `no ${EXPERIMENT}: not a folder of m3rec experiment`);
  const { experiment, keys } = JSON.parse(await attempt(file, () => readFile(file, 'utf8'))) as ExperimentRecord;
  const lines = (await readTrials<TrialLine>(join(folder, TRIALS))).filter(({ key }) => keys.includes(key));
  const results = resultsOf(experiment, lines);
  const found = results.models.find(({ name }) => name === model);
  if (!found) throw new ArgumentError('model', model, `one of ${results.models.map(({ name }) => name).join(', ')}`);
  const names = experiment.protocols.map(({ name }) => name);
  const chosen = protocol ?? experiment.select.protocol;
  if (!names.includes(chosen)) throw new ArgumentError('--protocol', chosen, names.join(', '));
  const blobs = folderBlobs(folder);
  const bytes = await blobs.get(found.best.lines[0].ranks ?? '0'.repeat(64));
  if (!bytes) throw new DataError(folder, undefined, `the ranks of ${model} are not kept there`);
  const parts = await readRanks(blobs, bytes);
  return {
    protocol: chosen,
    ranks: parts.filter((part) => part.protocol === chosen && part.heldOut === results.report),
  };
}
