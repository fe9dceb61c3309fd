// Ranks to compare: of a table that `evaluate --per-user` wrote, or of a model in an experiment's folder.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { ArgumentError, DataError } from '../../common/errors.ts';
import { Job } from '../../common/job.ts';
import type { Role } from '../../data/columns.ts';
import { readTable } from '../../data/table.ts';
import { copyString } from '../../data/text.ts';
import type { MarketRanks } from '../../lab/compare-ranks.ts';
import type { CheckedExperiment } from '../../lab/experiment.ts';
import { readRanks } from '../../lab/ranks.ts';
import type { TrialLine } from '../../lab/run.ts';
import { resultsOf } from '../../lab/summary.ts';
import { folderBlobs } from '../../node/blob-folder.ts';
import { readBytes } from '../../node/input.ts';
import { attempt } from '../../node/system-error.ts';
import { readTrials, TRIALS } from '../../node/trial-folder.ts';

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

/** The columns of a table of ranks. */
const RANK_ROLES = {
  market: { label: 'market', spellings: ['market'] },
  user: { label: 'userId', spellings: ['userid'] },
  item: { label: 'itemId', spellings: ['itemid'] },
  rank: { label: 'rank', spellings: ['rank'] },
  model: { label: 'model', spellings: ['model'] },
} satisfies Record<string, Role>;
const NEEDED = ['market', 'user', 'item', 'rank'];

/** Whether a path is a table of ranks. */
export const isTable = (path: string) => ['.csv', '.tsv', '.jsonl', '.parquet'].includes(extname(path).toLowerCase());

/**
 * Reads a table of ranks; of several models in it the one that is named.
 * @throws DataError with the line; ArgumentError for a file of several models of which none is named.
 */
export async function readRankTable(
  path: string,
  model: string | undefined,
  signal: AbortSignal,
): Promise<MarketRanks[]> {
  const markets = new Map<string, { users: string[]; items: string[]; ranks: number[] }>();
  const models = new Set<string>();
  let slots: Record<string, number> = {};
  const bad = (problem: string, line: number): never => {
    throw new DataError(path, line, problem);
  };
  const row = (values: readonly string[], line: number) => {
    const [name, userId, itemId, rank] = NEEDED.map((role) => copyString(values[slots[role]]));
    if (!(Number(rank) >= 1) || name === '' || userId === '' || itemId === '')
      bad('expected a market, a user, an item and a rank from 1 on', line);
    if (slots.model !== undefined) {
      const own = copyString(values[slots.model]);
      models.add(own);
      if (model !== undefined && own !== model) return;
    }
    const market = markets.get(name) ?? { users: [], items: [], ranks: [] };
    market.users.push(userId);
    market.items.push(itemId);
    market.ranks.push(Number(rank));
    markets.set(name, market);
  };
  await readTable(
    await readBytes(path, signal),
    path,
    { roles: RANK_ROLES, needed: NEEDED, welcome: ['model'] },
    {},
    {
      start: (_, found) => {
        slots = found;
      },
      row,
      bad,
    },
    new Job({ signal }),
  );
  if (model !== undefined && (models.size === 0 || markets.size === 0))
    throw new ArgumentError(
      'model',
      model,
      models.size === 0 ? 'none: the table names no models' : `one of ${[...models].join(', ')}`,
    );
  if (model === undefined && models.size > 1)
    throw ArgumentError.because(
      'file',
      `${path} has the ranks of ${[...models].join(', ')}; say which: ${path}:${[...models][0]}`,
    );
  if (markets.size === 0) throw new DataError(path, undefined, 'no ranks');
  return [...markets].map(([market, ranks]) => ({ market, ...ranks }));
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
