// node scripts/paper-page.mjs: the tables of docs/internals/paper.md, from the trials of experiments/results/paper and
// from what the paper prints. What is between the tables is written by hand.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { PAPER_ABLATION, PAPER_GROUPS, PAPER_NAMES, PAPER_TABLE_2 } from '../bench/harness/published.mjs';
import { table } from '../bench/harness/report.mjs';

const file = new URL('../docs/internals/paper.md', import.meta.url);
const MARKETS = Object.keys(PAPER_NAMES);
/** Which of our models stand for a system of the paper, by their names in the experiments. */
const SYSTEMS = {
  NeuMF: ['NeuMF', 'NeuMF (narrow)', 'GMF', 'MLP', 'MLP (narrow)'],
  LightGCN: ['LightGCN'],
  'Random Walk': ['Random Walk', 'item2vec'],
  EASE: ['EASE (paper)', 'EASE'],
  'Cross-Stitch': ['Cross-Stitch', 'Cross-Stitch (narrow)'],
  MMoE: ['MMoE', 'MMoE (narrow)'],
  'Bi-TGCF': ['Bi-TGCF'],
  STAR: ['STAR', 'STAR (narrow)'],
  FOREC: ['FOREC', 'FOREC (narrow)'],
  M3Rec: ['M3Rec (paper)', 'M3Rec (softmax)'],
};
const OTHERS = [
  'Popularity',
  'ItemKNN',
  'P3α',
  'RP3β',
  'SLIM',
  'EDLAE',
  'iALS',
  'BPR-MF',
  'MultVAE (narrow)',
  'market-aware NMF (narrow)',
  'default',
];

const best = new Map([...bestOf('linear'), ...bestOf('networks'), ...bestOf('linear')]);
const ablation = bestOf('ablation');
const tables = {
  'table 2': systemTable(),
  others: modelTable(OTHERS),
  lead: leadTable(),
  'table 3': ablationTable(),
  'table 4': groupTable(),
  costs: costTable(),
};
let text = readFileSync(file, 'utf8');
for (const [name, found] of Object.entries(tables)) {
  const place = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`);
  if (!place.test(text)) throw new Error(`docs/internals/paper.md: found no place for the table ${name}`);
  text = text.replace(place, (_, begin, end) => `${begin}\n${found}\n\n${end}`);
}
writeFileSync(file, text);

/** Of each model of an experiment the options that the tune half chose, with their trials. */
function bestOf(name) {
  const path = new URL(`../experiments/results/paper/${name}/trials.jsonl`, import.meta.url);
  if (!existsSync(path)) return new Map();
  const models = new Map();
  for (const text of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
    const line = JSON.parse(text);
    if (line.error) continue;
    const { seed: _, ...options } = line.options;
    const byOptions = models.get(line.name) ?? new Map();
    models.set(line.name, byOptions);
    const key = JSON.stringify(options);
    byOptions.set(key, [...(byOptions.get(key) ?? []), line]);
  }
  return new Map(
    [...models].map(([model, byOptions]) => {
      const all = [...byOptions.values()];
      const chosen = all.reduce((a, b) => (worth(b) > worth(a) ? b : a));
      return [model, { lines: chosen, tried: all.length }];
    }),
  );
}

/** Mean MRR of the tune half, clean. */
function worth(lines) {
  return mean(lines.map(({ found }) => mean(found.clean.tune.map(({ at }) => at[10].mrr[0]))));
}

/** A metric of the report half by market, in %. */
function figures({ lines }, protocol, metric) {
  return MARKETS.map((name) =>
    mean(
      lines.map(({ found }) => 100 * found[protocol].report.find(({ market }) => market === name).at[10][metric][0]),
    ),
  );
}

function cells(model, protocol) {
  const [mrr, ndcg, hr] = ['mrr', 'ndcg', 'hr'].map((metric) => figures(model, protocol, metric));
  return mrr.map((value, m) => [value, ndcg[m], hr[m]].map((each) => each.toFixed(2)).join('/'));
}

function systemTable() {
  const rows = Object.entries(PAPER_TABLE_2).flatMap(([system, printed]) => [
    [`**${system}**`, 'printed', ...printed.map((values) => values.map((value) => value.toFixed(2)).join('/'))],
    ...SYSTEMS[system].filter((name) => best.has(name)).flatMap((name) => both(name)),
  ]);
  return table(['system', '', ...Object.values(PAPER_NAMES)], rows, 2);
}

function modelTable(names) {
  const rows = names.filter((name) => best.has(name)).flatMap((name) => both(name));
  return table(['model', '', ...Object.values(PAPER_NAMES)], rows, 2);
}

function both(name) {
  return [
    [name, 'clean', ...cells(best.get(name), 'clean')],
    ['', 'as-published', ...cells(best.get(name), 'as-published')],
  ];
}

/** MRR beside EASE's, in % of it. */
function leadTable() {
  const printed = PAPER_TABLE_2.EASE.map(([mrr]) => mrr);
  const relative = (values, base) => {
    const each = values.map((value, m) => 100 * (value / base[m] - 1));
    return [...each, mean(each)].map((value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`);
  };
  const rows = [
    [
      'M3Rec, as printed',
      '',
      ...relative(
        PAPER_TABLE_2.M3Rec.map(([mrr]) => mrr),
        printed,
      ),
    ],
    ...['M3Rec (paper)', 'M3Rec (softmax)', 'default', 'SLIM']
      .filter((name) => best.has(name) && best.has('EASE'))
      .flatMap((name) =>
        ['clean', 'as-published'].map((protocol) => [
          name,
          protocol,
          ...relative(figures(best.get(name), protocol, 'mrr'), figures(best.get('EASE'), protocol, 'mrr')),
        ]),
      ),
  ];
  return table(['MRR beside EASE, %', '', ...Object.values(PAPER_NAMES), 'mean'], rows, 2);
}

function ablationTable() {
  const printed = {
    M3Rec: PAPER_TABLE_2.M3Rec.map(([mrr]) => mrr),
    ...Object.fromEntries(Object.entries(PAPER_ABLATION).map(([part, values]) => [`without ${part}`, values])),
  };
  const rows = Object.entries(printed).flatMap(([name, values]) => [
    [name, 'printed', ...values.map((value) => value.toFixed(2))],
    ...(ablation.has(name)
      ? ['clean', 'as-published'].map((protocol) => [
          '',
          protocol,
          ...figures(ablation.get(name), protocol, 'mrr').map((value) => value.toFixed(2)),
        ])
      : []),
  ]);
  return table(['MRR, %', '', ...Object.values(PAPER_NAMES)], rows, 2);
}

function groupTable() {
  const rows = Object.entries(PAPER_GROUPS).flatMap(([name, groups]) =>
    Object.entries(groups).flatMap(([group, values]) => {
      const mine = ablation.get(name)?.lines;
      const at = (market) =>
        mean(
          mine.map(({ found }) => {
            const summary = found.clean.report.find((each) => each.market === market);
            return 100 * summary.groups[`shared/${group}`].values.mrr[0];
          }),
        ).toFixed(2);
      return [
        [`${name}, ${group}`, 'printed', ...values.map((value) => value.toFixed(2))],
        ...(mine ? [['', 'clean', ...MARKETS.map(at)]] : []),
      ];
    }),
  );
  return table(['MRR, %', '', ...Object.values(PAPER_NAMES)], rows, 2);
}

function costTable() {
  const rows = [...best].map(([name, { lines, tried }]) => {
    const [{ options, facts, bytes }] = lines;
    const ran = facts.epochs ?? options.epochs;
    const epochs = ran === undefined ? '' : facts.bestEpoch === undefined ? ran : `${facts.bestEpoch} of ${ran}`;
    return [
      name,
      tried,
      epochs,
      mean(lines.map(({ measured }) => measured.processor ?? measured.training)).toFixed(1),
      (bytes / 1e6).toFixed(1),
    ];
  });
  return table(['model', 'settings tried', 'best epoch', 'processor s', 'MB'], rows);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
