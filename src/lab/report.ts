// The report of an experiment: one page without anything from elsewhere, to be read from top to bottom.
import { quoted } from '../common/svg.ts';
import type { Markets } from '../data/markets.ts';
import type { Chart } from './charts.ts';
import type { Significance } from './significance.ts';
import { baselineOf } from './significance.ts';
import { meanFigure, type Results } from './summary.ts';
import { metricTitle, type ResultTable, type TableCell } from './tables.ts';

/** What a report is made of. */
export interface ReportParts {
  results: Results;
  significance: readonly Significance[];
  tables: readonly ResultTable[];
  charts: readonly Chart[];
  markets: Markets;
  /** SHA-256 of the markets. */
  data: string;
  /** What ran it, in a line; empty if it is not to be said. */
  machine: string;
}

const STYLE = `
:root{color-scheme:light dark;--ink:#15181d;--soft:#5a6270;--line:#d9dde3;--paper:#fff;--shade:#f4f6f8;--up:#00734f;--down:#a8480a}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e9ebee;--soft:#a3abb8;--line:#343a44;--paper:#16181c;--shade:#1e2228;--up:#3ecf9f;--down:#ff9a5c}}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:76rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .5rem}h2{font-size:1.3rem;margin:2.8rem 0 .6rem}
p{max-width:46rem;margin:.5rem 0}.soft,figcaption,.note{color:var(--soft)}.note,figcaption{font-size:.875rem;max-width:56rem}
.wide{overflow-x:auto;margin:1rem 0 .25rem}table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:0 0 .4rem;caption-side:top}
th,td{padding:.28rem .7rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--paper)}
th{font-weight:600;border-bottom:2px solid var(--line)}td.text{text-align:left;white-space:normal;min-width:14rem}
.best{font-weight:700}.second{text-decoration:underline;text-underline-offset:.2em}
.above::after{content:" ▲";color:var(--up)}.below::after{content:" ▼";color:var(--down)}
figure{margin:1.5rem 0}figure svg{max-width:100%;height:auto}details{margin:1rem 0}summary{cursor:pointer;color:var(--soft)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;font-size:.875rem;margin:1rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
nav{font-size:.875rem}nav a{margin-right:1rem}a{color:inherit}
@media print{body{max-width:none;padding:0;font-size:10pt}table{font-size:7.5pt}th,td{padding:.15rem .4rem;white-space:normal}
th:first-child,td:first-child{position:static}h2{break-after:avoid}figure,tr{break-inside:avoid}.wide{overflow:visible}nav{display:none}.note,figcaption{font-size:8pt}
@supports selector(::details-content){details>summary{display:none}details::details-content{content-visibility:visible;height:auto}}}
`;

/** Sections, in the order of reading; a table or drawing goes to the first that takes its id. */
const SECTIONS: { id: string; title: string; text: string; takes: RegExp }[] = [
  {
    id: 'accuracy',
    title: 'How well do they rank?',
    text: 'Each held-out item is ranked among other items of its market. A cell is the mean over the held-out rows, with its standard error; with several seeds, the mean over them. The best of a column is bold, the second underlined, as printed.',
    takes: /^(?!group|tests|chosen|lists|differences|tuning|time|ranks).*/,
  },
  {
    id: 'chance',
    title: 'Which differences are more than chance?',
    text: 'Models are compared on the same users, so a difference can be significant where standard errors overlap.',
    takes: /^(tests|differences)/,
  },
  {
    id: 'cost',
    title: 'What was tried, and what does it cost?',
    text: 'Options were chosen on rows that are not reported. Times are those of the machine that ran the trials.',
    takes: /^(chosen|tuning|time)/,
  },
  {
    id: 'where',
    title: 'Where do they differ?',
    text: 'The same ranks in parts: a model may do well on popular items alone, or only where other markets help.',
    takes: /^(ranks|group)/,
  },
  {
    id: 'lists',
    title: 'What is recommended?',
    text: 'Accuracy says nothing of how much of a catalogue is ever shown.',
    takes: /^lists/,
  },
];

/** The report as a page of HTML. */
export function reportOf(parts: ReportParts): string {
  const { results, tables, charts } = parts;
  const { experiment } = results;
  const sections = SECTIONS.map((section) => ({
    ...section,
    charts: charts.filter(({ id }) => sectionOf(id) === section.id),
    tables: tables.filter(({ id }) => sectionOf(id) === section.id),
  })).filter((section) => section.charts.length + section.tables.length > 0);
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="generator" content="m3rec experiment">',
    `<title>${quoted(experiment.title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${quoted(experiment.title)}</h1>`,
    experiment.about === '' ? '' : `<p>${quoted(experiment.about)}</p>`,
    `<p><strong>${quoted(headline(parts))}</strong></p>`,
    `<nav>${sections.map(({ id, title }) => `<a href="#${id}">${quoted(title)}</a>`).join('')}</nav>`,
    dataSection(parts),
    ...sections.map(
      ({ id, title, text, ...own }) =>
        `<h2 id="${id}">${quoted(title)}</h2><p class="soft">${quoted(text)}</p>${own.charts.map(figureOf).join('')}${tablesIn(own.tables)}`,
    ),
    failures(results),
    '</body></html>',
    '',
  ].join('\n');
}

const sectionOf = (id: string) => [...SECTIONS].reverse().find(({ takes }) => takes.test(id))?.id;

/** The result in a sentence. */
function headline({ results, significance }: ReportParts): string {
  const { experiment, models, markets, report } = results;
  const { metric, k, protocol } = experiment.select;
  if (models.length === 0) return 'No trial has a result yet.';
  const where = { protocol, heldOut: report, metric, k };
  const ranked = models
    .map((model) => ({ name: model.name, value: meanFigure(model.best, markets, where)?.mean ?? 0 }))
    .sort((a, b) => b.value - a.value);
  const percent = (value: number) => (100 * value).toFixed(2);
  const [best, second] = ranked;
  const start = `${best.name} ranks best: ${metricTitle(metric, k)} ${percent(best.value)} %, mean over ${markets.length} market${markets.length === 1 ? '' : 's'}, protocol ${protocol}`;
  if (!second) return `${start}.`;
  const next = `${start}; then ${second.name}, ${percent(second.value)} %`;
  const tests = significance.find((each) => each.protocol === protocol);
  const tested = tests?.tested.find(({ name }) => name === second.name);
  if (tests?.baseline !== best.name || !tested) return `${next}.`;
  const beyond = tested.differences.filter(({ adjusted }) => adjusted.t < 0.05).length;
  return `${next}. The difference is beyond chance in ${beyond} of ${tested.differences.length} markets.`;
}

function dataSection({ results, markets, data, machine }: ReportParts): string {
  const { experiment, lines, report, tune } = results;
  const rows = markets.markets.map(({ name, users, items, interactions, heldOut }) => [
    { text: name },
    ...[users.length, items.length, interactions.indices.length, heldOut[report]?.length ?? 0].map((count) => ({
      text: count.toLocaleString('en-US'),
    })),
  ]);
  const dates = lines.map(({ date }) => date).sort();
  const builds = [...new Set(lines.map(({ build }) => build))];
  const facts: [string, string][] = [
    [
      'chosen by',
      `${metricTitle(experiment.select.metric, experiment.select.k)} of ${tune}, protocol ${experiment.select.protocol}`,
    ],
    [
      'reported on',
      tune === report
        ? `${report}: the rows that chose, so models with large grids look better than they are`
        : `${report}, the other half of the users`,
    ],
    ['protocols', experiment.protocols.map(protocolText).join('; ')],
    ['baseline of the tests', baselineOf(results, experiment.select.protocol)?.name ?? '–'],
    ['trials', `${lines.length}, from ${dates[0] ?? '–'} to ${dates.at(-1) ?? '–'} UTC`],
    ['version', builds.join(', ')],
    ...(machine === '' ? [] : [['machine', machine] as [string, string]]),
    ['data', `SHA-256 ${data}`],
  ];
  const table = {
    id: 'data',
    caption: 'The data',
    header: ['market', 'users', 'items', 'training rows', 'rows reported'],
    rows,
    notes: [],
  };
  return `${htmlTable(table)}<dl>${facts.map(([name, value]) => `<dt>${quoted(name)}</dt><dd>${quoted(value)}</dd>`).join('')}</dl>`;
}

function protocolText({ name, protocol, negatives, repeat }: Results['experiment']['protocols'][number]): string {
  if (protocol === 'lists') return `${name}: against the items of given lists`;
  const among = negatives === 'all' ? 'all items of the market' : `${negatives} sampled items of the market`;
  const own = protocol === 'clean' ? 'that the user does not have' : 'but the held-out one, the user’s own among them';
  return `${name}: against ${among} ${own}${repeat ? ', customers buy again' : ''}`;
}

const figureOf = ({ caption, svg }: Chart) => `<figure>${svg}<figcaption>${quoted(caption)}.</figcaption></figure>`;

/** The first tables are open; of more than three the rest can be opened. */
function tablesIn(tables: readonly ResultTable[]): string {
  const [open, more] = [tables.slice(0, 3), tables.slice(3)];
  const rest =
    more.length > 0
      ? `<details><summary>${more.length} more table${more.length === 1 ? '' : 's'}</summary>${more.map(htmlTable).join('')}</details>`
      : '';
  return open.map(htmlTable).join('') + rest;
}

function htmlTable({ caption, header, rows, notes }: ResultTable): string {
  const cell = ({ text, place, mark }: TableCell) => {
    const classes = [place, mark, text.length > 40 && 'text'].filter(Boolean).join(' ');
    return `<td${classes === '' ? '' : ` class="${classes}"`}>${quoted(text)}</td>`;
  };
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  const head = header.map((name) => `<th scope="col">${quoted(name)}</th>`).join('');
  const said = notes.map((note) => `<p class="note">${quoted(note)}</p>`).join('');
  return `<div class="wide"><table><caption>${quoted(caption)}</caption><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>${said}`;
}

function failures({ failed }: Results): string {
  if (failed.length === 0) return '';
  const rows = failed.map(({ name, given, error }) => [
    { text: name },
    { text: JSON.stringify(given) },
    { text: error! },
  ]);
  const table = {
    id: 'failed',
    caption: 'Trials without a result',
    header: ['model', 'options', 'why'],
    rows,
    notes: [],
  };
  return `<h2>What failed</h2>${htmlTable(table)}`;
}
