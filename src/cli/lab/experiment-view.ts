// An experiment while it runs: on a terminal a table that fills, else a line for each trial that has ended.
import { printable } from '../../common/printable.ts';
import type { CheckedExperiment } from '../../lab/experiment.ts';
import type { ExperimentProgress, PreparedTrial, TrialLine } from '../../lab/run.ts';
import { selected } from '../../lab/summary.ts';
import { metricTitle } from '../../lab/tables.ts';
import type { Context } from '../context.ts';
import { formatPercent, formatTable } from '../output.ts';

/** "3 h 12 min", "12 min", "8 s" */
export function formatTime(seconds: number): string {
  if (seconds < 100) return `${Math.max(1, Math.ceil(seconds))} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "lambdaF 10, scope market" */
export const optionsShown = (given: object) =>
  Object.entries(given)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

interface Row {
  total: number;
  done: number;
  failed: number;
  best?: { value: number; given: object };
}

/** Shows trials as they end. */
export class ExperimentView {
  private readonly rows = new Map<string, Row>();
  private drawn = 0;
  private reused = 0;
  /** Of rungs, whose trials come in batches that know of themselves alone. */
  private total: number | undefined;
  private ended = 0;

  constructor(
    private readonly context: Context,
    private readonly experiment: CheckedExperiment,
    trials: readonly PreparedTrial[],
    private readonly tune: string,
  ) {
    for (const { name } of trials) {
      const row = this.rows.get(name) ?? { total: 0, done: 0, failed: 0 };
      row.total++;
      this.rows.set(name, row);
    }
  }

  /** Begins to count again: as many trials, with more training. */
  startAgain(total: number): void {
    this.total = total;
    this.ended = 0;
    this.drawn = 0;
    for (const row of this.rows.values()) Object.assign(row, { total: 0, done: 0, best: undefined });
  }

  readonly onTrial = (line: TrialLine, given: ExperimentProgress): void => {
    const progress =
      this.total === undefined ? given : { done: ++this.ended, total: this.total, reused: given.reused * this.ended };
    const row = this.rows.get(line.name)!;
    row.done++;
    if (line.error !== undefined) row.failed++;
    const value = line.error === undefined ? selected(this.experiment, line, this.tune) : Number.NaN;
    if (value > (row.best?.value ?? -1)) row.best = { value, given: line.given };
    if (progress.reused === progress.done) {
      // was there already; said once, when all such are known
      this.reused = progress.reused;
      return;
    }
    this.say();
    if (process.stderr.isTTY) this.draw(progress);
    else this.context.message(this.lineOf(line, value, progress));
  };

  /** Says how many trials were taken from before. */
  say(): void {
    if (this.reused === 0) return;
    const count = this.reused;
    this.reused = 0;
    this.context.message(
      `${count} trial${count === 1 ? ' was' : 's were'} made before, and ${count === 1 ? 'is' : 'are'} not made again`,
    );
  }

  private lineOf(
    { name, given, seed, seconds, error }: TrialLine,
    value: number,
    progress: ExperimentProgress,
  ): string {
    const { metric, k } = this.experiment.select;
    const options = [optionsShown(given), seed === undefined ? '' : `seed ${seed}`]
      .filter((each) => each !== '')
      .join(', ');
    const result = error === undefined ? `${metricTitle(metric, k)} ${formatPercent(value)}` : `no result: ${error}`;
    const left = progress.secondsLeft === undefined ? '' : `, ${formatTime(progress.secondsLeft)} left`;
    const best = this.best();
    return `${progress.done} of ${progress.total}: ${name}${options ? ` (${options})` : ''}: ${result}, ${seconds.toFixed(1)} s${left}${best}`;
  }

  private best(): string {
    const rows = [...this.rows].flatMap(([name, { best }]) => (best ? [{ name, ...best }] : []));
    if (rows.length === 0) return '';
    const { name, value } = rows.reduce((a, b) => (b.value > a.value ? b : a));
    return `; best so far ${name} ${formatPercent(value)}`;
  }

  /** Replaces the table that was drawn before. */
  private draw({ done, total, secondsLeft }: ExperimentProgress): void {
    this.context.view.clear();
    const { metric, k } = this.experiment.select;
    const width = Math.max(40, process.stderr.columns || 80);
    const table = formatTable(
      ['model', 'trials', metricTitle(metric, k), 'best options'],
      [...this.rows].map(([name, { done: made, total: all, failed, best }]) => [
        name,
        `${made}${all > 0 ? `/${all}` : ''}${failed > 0 ? ` (${failed} failed)` : ''}`,
        best ? formatPercent(best.value) : '',
        best ? optionsShown(best.given) : '',
      ]),
      [0, 3],
    );
    const left = secondsLeft === undefined ? '' : `, about ${formatTime(secondsLeft)} left`;
    const lines = [...table.trimEnd().split('\n'), `${done} of ${total} trials${left}${this.best()}`];
    const up = this.drawn > 0 ? `\u001b[${this.drawn}A\u001b[J` : '';
    process.stderr.write(`${up}${lines.map((line) => printable(line).slice(0, width - 1)).join('\n')}\n`);
    this.drawn = lines.length;
  }
}
