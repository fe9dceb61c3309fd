// Everything that is written of an experiment: CSV, Markdown, LaTeX, drawings and the page.
import type { BlobStore } from '../threads/work.ts';
import { chartsOf } from './charts.ts';
import { type RankedPart, readRanks } from './ranks.ts';
import { reportOf } from './report.ts';
import type { PreparedExperiment, TrialLine } from './run.ts';
import { type Significance, significanceOf } from './significance.ts';
import { type Results, resultsOf } from './summary.ts';
import { type ResultTable, tablesOf } from './tables.ts';
import { toCsv, toLatex, toMarkdown } from './write-tables.ts';

/** What an experiment found, and the files that say so. */
export interface Reports {
  results: Results;
  significance: Significance[];
  tables: ResultTable[];
  /** Texts by path, with slashes. */
  files: { path: string; text: string }[];
}

/**
 * The reports of trials: `results.csv`, `tables.md`, `tables.tex`, `figures/*.svg` and `report.html`, which needs
 * nothing from elsewhere. Tests need the ranks of trials; models without them are in the tables alone.
 *
 * @param blobs where the ranks are
 * @param machine in a line; left out of the report if it is empty
 * @example
 * const wanted = checkExperiment({ models: [{ model: 'popularity' }, { model: 'ease' }], lists: 0 });
 * const store = memoryTrials(memoryBlobs());
 * const runner = localExecutor();
 * const prepared = await prepareExperiment(wanted, markets, runner.blobs);
 * const lines = await runTrials(prepared.trials, { executor: runner, store, build: 'test' });
 * const { files } = await reportsOf(prepared, lines, store.blobs);
 * files.some(({ path }) => path === 'report.html'); // → true
 */
export async function reportsOf(
  { experiment, markets, data }: PreparedExperiment,
  lines: readonly TrialLine[],
  blobs: BlobStore,
  machine = '',
): Promise<Reports> {
  const results = resultsOf(experiment, lines);
  const significance = await significanceOf(results, blobs);
  const ranks = new Map<string, RankedPart[]>();
  for (const { name, best } of results.models) {
    const digest = best.lines[0].ranks;
    const bytes = digest === undefined ? undefined : await blobs.get(digest);
    if (bytes) ranks.set(name, await readRanks(blobs, bytes));
  }
  const tables = tablesOf(results, significance);
  const charts = chartsOf(results, significance, ranks);
  const title = experiment.title.replace(/\s+/g, ' ');
  return {
    results,
    significance,
    tables,
    files: [
      { path: 'results.csv', text: toCsv(results) },
      { path: 'tables.md', text: `# ${title}\n\n${tables.map(toMarkdown).join('\n')}` },
      { path: 'tables.tex', text: tables.map(toLatex).join('\n') },
      ...charts.map(({ id, svg }) => ({ path: `figures/${id.replace(/[^\w-]/g, '-')}.svg`, text: svg })),
      { path: 'report.html', text: reportOf({ results, significance, tables, charts, markets, data, machine }) },
    ],
  };
}
