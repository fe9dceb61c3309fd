// Writes what an experiment found: CSV, Markdown, LaTeX, drawings and the report.
import { mkdir } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { reportsOf } from '../../lab/reports.ts';
import type { PreparedExperiment, TrialLine } from '../../lab/run.ts';
import type { Significance } from '../../lab/significance.ts';
import type { Results } from '../../lab/summary.ts';
import type { ResultTable } from '../../lab/tables.ts';
import { writeFileAtomically } from '../../node/files.ts';
import { attempt } from '../../node/system-error.ts';
import type { BlobStore } from '../../threads/work.ts';
import { formatTable } from '../output.ts';
import { EXPERIMENT, type ExperimentRecord } from './read-ranks.ts';

/** What was written, and what is to be printed. */
export interface Written {
  files: string[];
  /** The tables of what is selected by, as text. */
  table: string;
  /** For `--json`. */
  summary: unknown;
}

/** @throws DataError for a file that cannot be written. */
export async function writeResults(
  folder: string,
  prepared: PreparedExperiment,
  lines: readonly TrialLine[],
  blobs: BlobStore,
): Promise<Written> {
  const [cpu] = cpus();
  const machine = `${cpu?.model ?? 'unknown processor'}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(1)} GiB, Node ${process.version}`;
  const { results, significance, tables, files } = await reportsOf(prepared, lines, blobs, machine);
  const { experiment, trials, data } = prepared;
  const record: ExperimentRecord = { experiment, keys: trials.map(({ key }) => key), data };
  const all = [{ path: EXPERIMENT, text: `${JSON.stringify(record, null, 2)}\n` }, ...files];
  await attempt(folder, () => mkdir(join(folder, 'figures'), { recursive: true }));
  for (const { path, text } of all) await writeFileAtomically(join(folder, path), new TextEncoder().encode(text));
  return {
    files: all
      .map(({ path }) => path)
      .filter((path) => !path.startsWith('figures'))
      .concat('figures/'),
    table: printed(results, tables),
    summary: summaryOf(results, significance),
  };
}

function printed({ experiment }: Results, tables: readonly ResultTable[]): string {
  const { metric, k } = experiment.select;
  const ids = experiment.protocols.map(({ name }) => `${name}-${metric}-${k}`);
  const marks = { above: ' ▲', below: ' ▼' };
  return tables
    .filter(({ id }) => ids.includes(id))
    .map(({ caption, header, rows, notes }) => {
      const cells = rows.map((row) =>
        row.map(({ text, place, mark }) => `${text}${place === 'best' ? ' *' : ''}${mark ? marks[mark] : ''}`),
      );
      return [`${caption}; * the best`, formatTable(header, cells).trimEnd(), ...notes, ''].join('\n');
    })
    .join('\n');
}

/** For programs: what was chosen, and the tests. */
function summaryOf(results: Results, significance: readonly Significance[]): unknown {
  const { experiment, models, tune, report, failed } = results;
  return {
    title: experiment.title,
    select: experiment.select,
    tune,
    report,
    models: models.map(({ name, kind, best, candidates, seconds, bytes }) => ({
      ...{ name, kind, options: best.given, tried: candidates.length, chosenBy: best.chosenBy, seconds, bytes },
      trials: best.lines.map(({ key, seed, found }) => ({
        key,
        ...(seed !== undefined && { seed }),
        found: Object.fromEntries(Object.entries(found).map(([protocol, files]) => [protocol, files[report]])),
      })),
    })),
    significance,
    failed: failed.map(({ name, given, error }) => ({ name, given, error })),
  };
}
