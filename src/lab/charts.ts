// The drawings of an experiment, each a file of SVG.
import { dot, drawing, gridAcross, gridDown, heading, label, line, linear, logarithmic, path } from './chart-parts.ts';
import type { RankedPart } from './ranks.ts';
import type { Significance } from './significance.ts';
import { figureOf, type ModelResult, mean, meanFigure, type Results } from './summary.ts';
import { metricTitle } from './tables.ts';

/** A drawing with its place and what it says. */
export interface Chart {
  id: string;
  caption: string;
  svg: string;
}

/** The ranks of each model's best trial, of those that have them. */
export type RanksByModel = ReadonlyMap<string, readonly RankedPart[]>;

/** All drawings for which there is something to draw. */
export function chartsOf(results: Results, significance: readonly Significance[], ranks: RanksByModel): Chart[] {
  const { experiment, models } = results;
  const { metric, k, protocol } = experiment.select;
  const what = `${metricTitle(metric, k)} in %, protocol ${protocol}`;
  const charts: (Chart | undefined)[] = [
    models.length > 0
      ? { id: 'markets', caption: `${what}, by market, with standard errors`, svg: drawMarkets(results) }
      : undefined,
    ...significance.map((tests) => ({
      id: `differences-${tests.protocol}`,
      caption: `Mean difference of ${metricTitle(metric, k)} from ${tests.baseline}, points of %, protocol ${tests.protocol}, with 95 % intervals`,
      svg: drawDifferences(tests),
    })),
    models.length > 1
      ? { id: 'time', caption: `${what}, mean over markets, by ${timeOf(results)}`, svg: drawTimes(results) }
      : undefined,
    ranks.size > 0
      ? {
          id: 'ranks',
          caption: `Share of held-out rows by rank, mean over markets, protocol ${protocol}`,
          svg: drawRanks(results, ranks),
        }
      : undefined,
    tuningChart(results),
  ];
  return charts.filter((chart) => chart !== undefined);
}

const ROW = 20;
const NAMES = 150;

/** A panel for each market, a line for each model: a dot with its standard error. */
function drawMarkets({ experiment, models, markets, report }: Results): string {
  const { metric, k, protocol } = experiment.select;
  const [panel, top] = [170, 44];
  const bottom = top + models.length * ROW;
  const parts = models.map(({ name }, m) => label(NAMES - 8, top + m * ROW + 14, shortened(name), 'end'));
  for (const [i, market] of markets.entries()) {
    const left = NAMES + i * (panel + 20);
    const figures = models.map(({ best }) => figureOf(best, { protocol, heldOut: report, market, metric, k }));
    const ends = figures.flatMap((figure) =>
      figure ? [100 * (figure.mean - figure.standardError), 100 * (figure.mean + figure.standardError)] : [],
    );
    if (ends.length === 0) continue;
    const x = linear(ends, left, left + panel);
    parts.push(heading(left, 26, market), ...gridDown(x, top, bottom));
    for (const [m, figure] of figures.entries()) {
      if (!figure) continue;
      const [at, y] = [100 * figure.mean, top + m * ROW + 10];
      const error = 100 * figure.standardError;
      parts.push(line(x(at - error), y, x(at + error), y, 'class="s0" stroke-width="2"'), dot(x(at), y, 0));
    }
  }
  const width = NAMES + Math.max(1, markets.length) * (panel + 20);
  return drawing(width, bottom + 28, 'Metric by market and model', parts);
}

/** Bars of each model's difference from the baseline. */
function drawDifferences({ tested, baseline }: Significance): string {
  const rows = tested.map(({ name, differences }) => {
    const squares = differences.reduce((sum, { t }) => sum + t.standardError * t.standardError, 0);
    return {
      name,
      value: 100 * mean(differences.map(({ t }) => t.mean)),
      reach: (196 * Math.sqrt(squares)) / differences.length,
    };
  });
  const [left, right, top] = [NAMES, 620, 30];
  const bottom = top + rows.length * ROW;
  const x = linear([0, ...rows.flatMap(({ value, reach }) => [value - reach, value + reach])], left, right);
  const parts = [label(left, 18, `0 is ${baseline}`), ...gridDown(x, top, bottom)];
  for (const [i, { name, value, reach }] of rows.entries()) {
    const y = top + i * ROW + 10;
    parts.push(
      label(NAMES - 8, y + 4, shortened(name), 'end'),
      `<rect class="f${value < 0 ? 1 : 0}" x="${Math.min(x(0), x(value)).toFixed(1)}" y="${y - 6}" width="${Math.abs(x(value) - x(0)).toFixed(1)}" height="12"/>`,
      line(x(value - reach), y, x(value + reach), y, 'class="rule" stroke-width="1.5"'),
    );
  }
  return drawing(right + 30, bottom + 28, `Differences from ${baseline}`, parts);
}

const timeOf = ({ clock }: Results) =>
  clock === 'processor' ? 'seconds of processor time of a training' : 'seconds of training';

/** Accuracy by time: a labelled dot for each model. */
function drawTimes(results: Results): string {
  const { experiment, models, markets, report } = results;
  const { metric, k, protocol } = experiment.select;
  const where = { protocol, heldOut: report, metric, k };
  const points = models.flatMap(({ name, best, seconds }) => {
    const figure = meanFigure(best, markets, where);
    return figure ? [{ name, seconds: Math.max(0.01, seconds), value: 100 * figure.mean }] : [];
  });
  const [left, right, top, bottom] = [50, 560, 16, 330];
  const x = logarithmic(
    points.map(({ seconds }) => seconds),
    left,
    right,
  );
  const y = linear(
    points.map(({ value }) => value),
    bottom,
    top,
  );
  const parts = [
    ...gridDown(x, top, bottom),
    ...gridAcross(y, left, right),
    label(right, bottom + 32, timeOf(results), 'end'),
  ];
  const taken: { x: number; y: number; width: number }[] = [];
  for (const { name, seconds, value } of [...points].sort((a, b) => b.value - a.value)) {
    const at = { x: x(seconds) + 7, y: y(value) + 4, width: 7 * name.length };
    const hits = () =>
      taken.some((other) => Math.abs(other.y - at.y) < 13 && at.x < other.x + other.width && other.x < at.x + at.width);
    while (hits()) at.y += 13;
    taken.push(at);
    parts.push(dot(x(seconds), y(value), 0), label(at.x, at.y, shortened(name)));
  }
  return drawing(right + 160, bottom + 44, 'Accuracy by training time', parts);
}

/** Most models whose ranks are drawn: the best ones. */
const MOST_LINES = 8;

/** Of each model the share of held-out rows that are among the first r. */
function drawRanks(results: Results, ranks: RanksByModel): string {
  const { experiment, markets, report } = results;
  const { protocol, metric, k } = experiment.select;
  const where = { protocol, heldOut: report, metric, k };
  const worth = ({ best }: ModelResult) => meanFigure(best, markets, where)?.mean ?? 0;
  const drawn = results.models
    .filter(({ name }) => ranks.has(name))
    .sort((a, b) => worth(b) - worth(a))
    .slice(0, MOST_LINES);
  const places = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000];
  const curves = drawn.map(({ name }) => {
    const parts = ranks.get(name)!.filter((part) => part.protocol === protocol && part.heldOut === report);
    return {
      name,
      shares: places.map((place) =>
        mean(parts.map((part) => part.ranks.filter((rank) => rank <= place).length / part.ranks.length)),
      ),
    };
  });
  const [left, right, top, bottom] = [50, 560, 16, 330];
  const x = logarithmic(places, left, right);
  const y = linear([0, 100], bottom, top);
  const lines = curves.map(({ shares }, i) =>
    path(
      shares.map((share, p) => [x(places[p]), y(100 * share)] as const),
      i,
    ),
  );
  const legend = curves.flatMap(({ name }, i) => [
    line(right + 16, top + 10 + i * 18, right + 34, top + 10 + i * 18, `class="s${i}" stroke-width="2"`),
    label(right + 40, top + 14 + i * 18, shortened(name)),
  ]);
  const axes = [
    ...gridDown(x, top, bottom),
    ...gridAcross(y, left, right),
    label(right, bottom + 32, 'rank at most', 'end'),
  ];
  return drawing(right + 190, bottom + 44, 'Share of rows by rank', [...axes, ...lines, ...legend]);
}

/** Most panels of tuning curves. */
const MOST_PANELS = 24;
const COLUMNS = 4;
const [PANEL_WIDTH, PANEL_HEIGHT] = [190, 150];

/** For each option with several values: the best that any trial with that value had, on the rows that choose. */
function tuningChart({ models, experiment, tune }: Results): Chart | undefined {
  const panels = models.flatMap(({ name, candidates }) => {
    const options = new Set(candidates.flatMap(({ given }) => Object.keys(given)));
    return [...options].flatMap((option) => {
      const values = [...new Set(candidates.flatMap(({ given }) => (option in given ? [given[option]] : [])))];
      if (values.length < 2) return [];
      if (values.every((value) => typeof value === 'number')) values.sort((a, b) => Number(a) - Number(b));
      const best = values.map((value) =>
        candidates.reduce(
          (most, { given, chosenBy }) => (given[option] === value ? Math.max(most, chosenBy) : most),
          0,
        ),
      );
      return [{ name, option, values, best }];
    });
  });
  if (panels.length === 0) return undefined;
  const parts: string[] = [];
  const shown = panels.slice(0, MOST_PANELS);
  for (const [i, { name, option, values, best }] of shown.entries()) {
    const left = (i % COLUMNS) * PANEL_WIDTH + 40;
    const top = Math.floor(i / COLUMNS) * PANEL_HEIGHT + 46;
    const [right, bottom] = [left + PANEL_WIDTH - 60, top + PANEL_HEIGHT - 72];
    const y = linear(
      best.map((value) => 100 * value),
      bottom,
      top,
    );
    const x = (place: number) => left + 8 + (place / (values.length - 1)) * (right - left - 16);
    parts.push(heading(left - 30, top - 28, shortened(name)), label(left - 30, top - 13, shortened(option)));
    parts.push(...gridAcross(y, left, right));
    parts.push(
      path(
        best.map((value, v) => [x(v), y(100 * value)] as const),
        0,
      ),
    );
    for (const [v, value] of values.entries())
      parts.push(dot(x(v), y(100 * best[v]), 0), label(x(v), bottom + 16, String(value).slice(0, 8), 'middle'));
  }
  const { metric, k, protocol } = experiment.select;
  const left = panels.length > shown.length ? `; ${panels.length - shown.length} more options are in results.csv` : '';
  const rows = Math.ceil(shown.length / COLUMNS);
  return {
    id: 'tuning',
    caption: `Best ${metricTitle(metric, k)} of ${tune} in %, protocol ${protocol}, by each value of an option, whatever the others${left}`,
    svg: drawing(Math.min(COLUMNS, shown.length) * PANEL_WIDTH, rows * PANEL_HEIGHT + 10, 'Tuning curves', parts),
  };
}

const shortened = (name: string) => (name.length > 22 ? `${name.slice(0, 21)}…` : name);
