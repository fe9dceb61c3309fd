// What an experiment found: of each model the options that did best on the rows that choose, and how these did on the
// rows that report.
import { canonicalJson } from '../common/canonical-json.ts';
import type { CheckedExperiment, OptionValue } from './experiment.ts';
import type { TrialLine } from './run.ts';
import type { MarketSummary, Values } from './trial.ts';

/** A figure of a table: a mean over seeds, with the standard error of its rows and, of several seeds, their deviation. */
export interface Figure {
  mean: number;
  standardError: number;
  /** Standard deviation between seeds; absent for one. */
  betweenSeeds?: number;
}

/** What was tried of one model with the same options: a trial for each seed. */
export interface Candidate {
  given: Record<string, OptionValue>;
  lines: TrialLine[];
  /** Mean over markets and seeds of what is selected by, on the rows that choose. */
  chosenBy: number;
}

/** One model of an experiment. */
export interface ModelResult {
  name: string;
  kind: string;
  /** All that was tried, in the order of the plan. */
  candidates: Candidate[];
  best: Candidate;
  /** Mean seconds of a training of the best, by the experiment's `clock`, and its file's bytes. */
  seconds: number;
  bytes: number;
}

/** An experiment's results. */
export interface Results {
  experiment: CheckedExperiment;
  /** The held-out files that chose and that are reported. */
  tune: string;
  report: string;
  /** In the order of the experiment; those without any result are left out. */
  models: ModelResult[];
  markets: string[];
  /** How trainings were timed: by processor time if all trials tell it, which other programs do not disturb. */
  clock: 'processor' | 'training';
  /** Trials that gave no result, with the reason. */
  failed: TrialLine[];
  lines: TrialLine[];
}

/**
 * Of each model the candidate with the highest mean over markets of what the experiment selects by; of equal ones the
 * first.
 */
export function resultsOf(experiment: CheckedExperiment, lines: readonly TrialLine[]): Results {
  const [tune, report] = experiment.halves ? ['tune', 'report'] : [experiment.heldOut, experiment.heldOut];
  const sound = lines.filter(({ error }) => error === undefined);
  const clock = sound.every(({ measured }) => measured.processor !== undefined) ? 'processor' : 'training';
  const models: ModelResult[] = [];
  for (const { name, model: kind } of experiment.models) {
    const candidates = candidatesOf(
      sound.filter((line) => line.name === name),
      (line) => selected(experiment, line, tune),
    );
    if (candidates.length === 0) continue;
    const best = candidates.reduce((a, b) => (b.chosenBy > a.chosenBy ? b : a));
    const seconds = mean(best.lines.map((line) => line.measured[clock] ?? line.seconds));
    models.push({ name, kind, candidates, best, seconds, bytes: best.lines[0].bytes });
  }
  const markets = [
    ...new Set(sound.flatMap(({ found }) => Object.values(found).flatMap((files) => marketsIn(files[report])))),
  ];
  const failed = lines.filter(({ error }) => error !== undefined);
  return { experiment, tune, report, models, markets, clock, failed, lines: [...lines] };
}

const marketsIn = (summaries: readonly MarketSummary[] = []) => summaries.map(({ market }) => market);

/** Lines with the same options but for the seed, together. */
function candidatesOf(lines: readonly TrialLine[], worth: (line: TrialLine) => number): Candidate[] {
  const byOptions = new Map<string, TrialLine[]>();
  for (const line of lines) {
    const { seed: _, ...options } = line.options;
    const key = canonicalJson([options, line.selectEpoch, line.share ?? 1]);
    byOptions.set(key, [...(byOptions.get(key) ?? []), line]);
  }
  return [...byOptions.values()].map((each) => ({
    given: each[0].given,
    lines: each,
    chosenBy: mean(each.map(worth)),
  }));
}

/** What a trial is chosen by: the mean over markets of the metric at k. */
export function selected({ select }: CheckedExperiment, line: TrialLine, heldOut: string): number {
  const { metric, k, protocol } = select;
  const markets = line.found[protocol]?.[heldOut] ?? [];
  return mean(markets.map(({ at }) => at[k]?.[metric]?.[0] ?? Number.NaN));
}

/** A metric of a candidate in a market, over its seeds; undefined where the market has none. */
export function figureOf(
  { lines }: Pick<Candidate, 'lines'>,
  where: { protocol: string; heldOut: string; market: string; metric: string; k: number },
): Figure | undefined {
  const { protocol, heldOut, market, metric, k } = where;
  const found = lines.flatMap((line) => {
    const summary = line.found[protocol]?.[heldOut]?.find((each) => each.market === market);
    const pair = summary?.at[k]?.[metric];
    return pair ? [pair] : [];
  });
  return figure(found);
}

/** The mean over markets, each counting alike. */
export function meanFigure(
  candidate: Pick<Candidate, 'lines'>,
  markets: readonly string[],
  where: { protocol: string; heldOut: string; metric: string; k: number },
): Figure | undefined {
  const each = candidate.lines.flatMap((line) => {
    const pairs = markets.flatMap((market) => {
      const found = figureOf({ lines: [line] }, { ...where, market });
      return found ? [found] : [];
    });
    if (pairs.length === 0) return [];
    const squares = pairs.reduce((sum, { standardError }) => sum + standardError * standardError, 0);
    return [[mean(pairs.map((pair) => pair.mean)), Math.sqrt(squares) / pairs.length] as [number, number]];
  });
  return figure(each);
}

/** The figures of a group of rows, such as `shared/own`. */
export function groupFigure(
  { lines }: Pick<Candidate, 'lines'>,
  where: { protocol: string; heldOut: string; market: string; metric: string; group: string },
): (Figure & { rows: number }) | undefined {
  const { protocol, heldOut, market, metric, group } = where;
  let rows = 0;
  const found = lines.flatMap((line) => {
    const summary = line.found[protocol]?.[heldOut]?.find((each) => each.market === market);
    const values: { rows: number; values: Values } | undefined = summary?.groups?.[group];
    rows = values?.rows ?? rows;
    return values?.values[metric] ? [values.values[metric]] : [];
  });
  const value = figure(found);
  return value && { ...value, rows };
}

function figure(pairs: readonly (readonly [number, number])[]): Figure | undefined {
  if (pairs.length === 0) return undefined;
  const center = mean(pairs.map(([value]) => value));
  const squares = pairs.reduce((sum, [value]) => sum + (value - center) * (value - center), 0);
  return {
    mean: center,
    standardError: mean(pairs.map(([, error]) => error)),
    ...(pairs.length > 1 && { betweenSeeds: Math.sqrt(squares / (pairs.length - 1)) }),
  };
}

export const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
