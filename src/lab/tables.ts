// Results as tables: what is in them, apart from how they are written.
import type { Significance } from './significance.ts';
import { LEVEL } from './significance.ts';
import {
  type Candidate,
  type Figure,
  figureOf,
  groupFigure,
  type ModelResult,
  meanFigure,
  type Results,
} from './summary.ts';

/** One cell. */
export interface TableCell {
  text: string;
  /** The best of its column, or the one after it. */
  place?: 'best' | 'second';
  /** Whether it differs from the baseline beyond chance: above or below. */
  mark?: 'above' | 'below';
}

/** One table. */
export interface ResultTable {
  /** For links and names of files. */
  id: string;
  caption: string;
  header: string[];
  rows: TableCell[][];
  /** Said below it. */
  notes: string[];
}

export const metricTitle = (metric: string, k: number) =>
  metric === 'mrr' || metric === 'map' ? `${metric.toUpperCase()}@${k}` : `${METRIC_TITLES[metric] ?? metric}@${k}`;
const METRIC_TITLES: Record<string, string> = { ndcg: 'NDCG', hr: 'HR', recall: 'Recall' };

const percent = (value: number) => (100 * value).toFixed(2);

/** Every table of the results, in the order in which a reader wants them. */
export function tablesOf(results: Results, significance: readonly Significance[]): ResultTable[] {
  const { experiment } = results;
  const tables: ResultTable[] = [];
  for (const { name: protocol } of experiment.protocols)
    for (const k of experiment.k)
      for (const metric of experiment.metrics) tables.push(metricTable(results, significance, { protocol, k, metric }));
  tables.push(chosenTable(results), ...significance.map((each) => testTable(results, each)));
  for (const { name: protocol } of experiment.protocols)
    if (experiment.groups) tables.push(...groupTables(results, protocol));
  tables.push(...listTables(results));
  return tables.filter(({ rows }) => rows.length > 0);
}

interface Which {
  protocol: string;
  k: number;
  metric: string;
}

function metricTable(
  results: Results,
  significance: readonly Significance[],
  { protocol, k, metric }: Which,
): ResultTable {
  const { experiment, models, markets, report } = results;
  const where = { protocol, heldOut: report, metric, k };
  const columns = [...markets.map((market) => (of: Candidate) => figureOf(of, { ...where, market }))];
  const cells = columns.map((figure) => placed(models.map(({ best }) => figure(best))));
  const means = placed(models.map(({ best }) => meanFigure(best, markets, where)));
  const { select } = experiment;
  const tests = significance.find((each) => each.protocol === protocol);
  const marked = tests !== undefined && metric === select.metric && k === select.k;
  const rows = models.map((model, m) => [
    { text: model.name },
    ...cells.map((column, i): TableCell => {
      const cell = column[m];
      const mark = marked ? markOf(tests, model, markets[i]) : undefined;
      return mark ? { ...cell, mark } : cell;
    }),
    means[m],
  ]);
  return {
    id: `${protocol}-${metric}-${k}`,
    caption: `${metricTitle(metric, k)} in %, protocol ${protocol}`,
    header: ['model', ...markets, 'mean'],
    rows,
    notes: marked
      ? [`▲ ▼: above or below ${tests.baseline} beyond chance (paired t-test over users, p < ${LEVEL} after Holm).`]
      : [],
  };
}

function markOf({ tested }: Significance, { name }: ModelResult, market: string): TableCell['mark'] {
  const found = tested.find((each) => each.name === name)?.differences.find((each) => each.market === market);
  if (!found || found.adjusted.t >= LEVEL) return undefined;
  return found.t.mean > 0 ? 'above' : 'below';
}

/** Cells of a column with the best and the second marked, as they are printed: equal texts share a place. */
function placed(figures: readonly (Figure | undefined)[]): TableCell[] {
  const texts = figures.map((figure) => (figure ? percent(figure.mean) : ''));
  const ranked = [...new Set(texts.filter((text) => text !== ''))].sort((a, b) => Number(b) - Number(a));
  return figures.map((figure, i) => {
    const text = texts[i];
    const shown = figure ? `${text} ± ${percent(figure.standardError)}` : '–';
    if (figures.length < 2 || text === '') return { text: shown };
    const place = text === ranked[0] ? 'best' : text === ranked[1] ? 'second' : undefined;
    return { text: shown, ...(place && { place }) };
  });
}

function chosenTable({ models, experiment, tune, clock }: Results): ResultTable {
  const { metric, k, protocol } = experiment.select;
  const shown = (given: object) =>
    Object.entries(given)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ') || 'defaults';
  return {
    id: 'chosen',
    caption: `What was chosen by ${metricTitle(metric, k)} of ${tune} (${protocol}), and what it costs`,
    header: [
      'model',
      'options',
      `${metricTitle(metric, k)} of ${tune}`,
      'tried',
      'seeds',
      'epochs',
      `${clock} s`,
      'MB',
    ],
    rows: models.map(({ name, best, candidates, seconds, bytes }) => [
      { text: name },
      { text: shown(best.given) },
      { text: percent(best.chosenBy) },
      { text: String(candidates.length) },
      { text: String(best.lines.length) },
      { text: epochsOf(best) },
      { text: seconds.toFixed(1) },
      { text: (bytes / 1e6).toFixed(1) },
    ]),
    notes: [],
  };
}

/** The best epoch of those that ran, where one was chosen. */
function epochsOf({ lines: [{ facts, options }] }: Candidate): string {
  const ran = facts.epochs ?? options.epochs;
  if (typeof ran !== 'number') return '–';
  return typeof facts.bestEpoch === 'number' ? `${facts.bestEpoch} of ${ran}` : String(ran);
}

const signed = (value: number) => `${value < 0 ? '−' : '+'}${percent(Math.abs(value))}`;
const effect = (value: number) => value.toFixed(3).replace('-', '−');
const probability = (p: number) => (p < 0.0001 ? '< 0.0001' : p.toFixed(4));

function testTable({ experiment }: Results, { protocol, baseline, tested }: Significance): ResultTable {
  const { metric, k } = experiment.select;
  return {
    id: `tests-${protocol}`,
    caption: `${metricTitle(metric, k)} minus that of ${baseline}, points of %, protocol ${protocol}`,
    header: [
      'model',
      'market',
      'difference',
      '95 % interval',
      't-test p',
      'Wilcoxon p',
      "Cohen's d",
      'rank-biserial',
      'users',
    ],
    rows: tested.flatMap(({ name, differences }) =>
      differences.map(({ market, t, wilcoxon, interval, adjusted, users }) => [
        { text: name },
        { text: market },
        { text: signed(t.mean) },
        { text: `${signed(interval[0])} … ${signed(interval[1])}` },
        { text: probability(adjusted.t) },
        { text: probability(adjusted.wilcoxon) },
        { text: t.effect === undefined ? '–' : effect(t.effect) },
        { text: effect(wilcoxon.effect) },
        { text: String(users) },
      ]),
    ),
    notes: [
      'Paired over users; p values are corrected by Holm over all models and markets of this table; intervals by the bootstrap over users. A small p says that a difference is no chance, the effect how large it is.',
    ],
  };
}

const GROUP_TITLES: Record<string, string> = {
  shared: 'By item: sold in other markets too (shared), or not (own)',
  popularity: 'By item: the most popular fifth (head), the others (tail), without training rows (cold)',
  history: 'By the number of the user’s training items',
};

function groupTables({ experiment, models, markets, report }: Results, protocol: string): ResultTable[] {
  const { metric } = experiment.select;
  const names = groupNames(models, protocol, report);
  return [...new Set(names.map((name) => name.split('/')[0]))].map((by) => {
    const groups = names.filter((name) => name.startsWith(`${by}/`));
    const cells = markets.flatMap((market) => groups.map((group) => ({ market, group })));
    const columns = cells.map(({ market, group }) =>
      placed(models.map(({ best }) => groupFigure(best, { protocol, heldOut: report, market, metric, group }))),
    );
    return {
      id: `group-${by}-${protocol}`,
      caption: `${GROUP_TITLES[by] ?? by}: ${metricTitle(metric, experiment.k[0])} in %, protocol ${protocol}`,
      header: ['market', 'group', 'rows', ...models.map(({ name }) => name)],
      // a row for each market and group, since groups are many
      rows: cells.flatMap(({ market, group }, i) => {
        const found = models
          .map(({ best }) => groupFigure(best, { protocol, heldOut: report, market, metric, group }))
          .find((each) => each !== undefined);
        return found
          ? [[{ text: market }, { text: group.slice(by.length + 1) }, { text: String(found.rows) }, ...columns[i]]]
          : [];
      }),
      notes: [],
    };
  });
}

function groupNames(models: readonly ModelResult[], protocol: string, report: string): string[] {
  const names = models.flatMap(({ best }) =>
    best.lines.flatMap(({ found }) =>
      (found[protocol]?.[report] ?? []).flatMap(({ groups = {} }) => Object.keys(groups)),
    ),
  );
  // in the order in which an evaluation has them, not that of sorted keys
  const order = ['shared', 'own', 'head', 'tail', 'cold', '0', '1-4', '5-9', '10-19', '20+'];
  const place = (name: string) => order.indexOf(name.slice(name.indexOf('/') + 1));
  const by = ['shared', 'popularity', 'history'];
  return [...new Set(names)].sort(
    (a, b) => by.indexOf(a.split('/')[0]) - by.indexOf(b.split('/')[0]) || place(a) - place(b),
  );
}

function listTables({ models, markets, experiment, report }: Results): ResultTable[] {
  const protocol = experiment.protocols[0].name;
  const of = ({ best }: ModelResult, market: string) =>
    best.lines[0].found[protocol]?.[report]?.find((each) => each.market === market)?.lists?.[0];
  const rows = models.flatMap((model) => {
    const each = markets.map((market) => of(model, market));
    if (each.every((list) => list === undefined)) return [];
    return [
      [
        { text: model.name },
        ...each.map((list) => ({
          text: list
            ? `${(100 * list.coverage).toFixed(1)} / ${percent(list.popularity)} / ${list.gini.toFixed(3)}`
            : '–',
        })),
      ],
    ];
  });
  return [
    {
      id: 'lists',
      caption: `What is recommended, first ${experiment.k[0]}: coverage in % / mean popularity in % of users / Gini`,
      header: ['model', ...markets],
      rows,
      notes: [
        'Coverage: share of the market’s items in some list. Popularity: mean share of the market’s users that have a recommended item. Gini: 0 if all items are recommended alike often, towards 1 if a few take all places.',
      ],
    },
  ];
}
