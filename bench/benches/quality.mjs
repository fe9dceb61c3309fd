// What the models rank, in three parts that can be run alone: EASE compared with its reference, the paper's preset with
// its ablations compared with the paper's tables, and the default and preset softmax compared with EASE with the best
// λ.
import { basename } from 'node:path';
import { compare } from '../../dist/index.js';
import { readDirectory } from '../../dist/node.js';
import { fingerprintOf, result } from '../harness/cached.mjs';
import { dataDirectory } from '../harness/data.mjs';
import { restrict } from '../harness/halves.mjs';
import { describe, machine } from '../harness/machine.mjs';
import {
  AS_WRITTEN,
  EASE_REFERENCE,
  ENTRIES_REFERENCE,
  PAPER_ABLATION,
  PAPER_EASE,
  PAPER_M3REC,
  PAPER_NAMES,
} from '../harness/published.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const PROTOCOLS = ['clean', 'as-published'];
const LAMBDAS = [10, 15, 20, 25, 30, 35, 40, 45, 50];
const HALVES = { tune: 'tune half', report: 'report half', all: 'all users' };
const PARTS = { ease: easePart, paper: paperPart, default: defaultPart };

export async function quality({ parts = Object.keys(PARTS), epochs }) {
  const path = dataDirectory();
  if (!path) {
    note('quality: skipped, since neither M3REC_DATA nor ../shared/xmarket names a folder of data');
    return;
  }
  const { markets } = await readDirectory(path);
  const names = markets.filter(({ heldOut }) => heldOut.valid?.length > 0).map(({ name }) => name);
  if (names.length === 0) {
    note(`quality: skipped, since ${basename(path)} has no valid.* to rank`);
    return;
  }
  const order = orderOf(names);
  show(`quality: ${describe(machine())}`);
  for (const part of parts)
    await PARTS[part]({ path, data: basename(path), order, epochs, fingerprint: fingerprintOf(markets) });
}

/** The markets in the paper's order where they are the paper's, each with its place in the published rows. */
function orderOf(names) {
  const known = Object.keys(PAPER_NAMES);
  const published = known.every((name) => names.includes(name));
  const sorted = published ? [...known, ...names.filter((name) => !known.includes(name))] : names;
  return sorted.map((name) => ({
    name,
    label: published && PAPER_NAMES[name] ? `${PAPER_NAMES[name]} (${name})` : name,
    place: published ? known.indexOf(name) : -1,
  }));
}

const percent = (x) => (100 * x).toFixed(2);
const three = ({ mrr, ndcg, hr }) => [mrr, ndcg, hr].map(percent).join('/');
const ofMarkets = (evaluation, order, cell) =>
  order.map(({ name }) => cell(evaluation.markets.find(({ market }) => market === name)));
const publishedRow = (values, order) =>
  order.map(({ place }) => values[place]?.map?.((x) => x.toFixed(2)).join('/') ?? '–');
const publishedMrr = (values, order) => order.map(({ place }) => values[place]?.toFixed(2) ?? '–');
const isPublished = (order) => order.some(({ place }) => place >= 0);
const small = (evaluation) => evaluation.markets.map(({ perUser, ...market }) => market);

/** One part's report: prints each block as it comes and rewrites the part's files. */
class Report {
  blocks = [];

  constructor(name, title, context, data) {
    this.name = name;
    this.title = title;
    const { data: dataName, epochs } = context;
    this.data = { data: dataName, epochs, ...data };
    this.add(
      `Data: ${dataName}, held-out rows of valid, 999 negatives, seed 1. MRR/NDCG@10/HR@10 in %${epochs === undefined ? '' : `; ${epochs} epochs instead of the preset's`}.`,
    );
  }

  add(block) {
    this.blocks.push(block);
    show(block);
    this.save();
  }

  save() {
    save(this.name, this.title, this.blocks, this.data, { everywhere: true });
  }
}

async function easePart(context) {
  const { order } = context;
  const report = new Report('quality/ease', 'EASE compared with its reference', context, { runs: [] });
  const runs = [];
  // every entry of B̂, as in the reference; then those that the model keeps
  for (const [lambdaF, epsilon] of [
    [25, -1],
    [50, -1],
    [25, undefined],
    [50, undefined],
  ]) {
    const run = {
      lambdaF,
      epsilon,
      ...(await result(context, { model: 'ease', lambdaF, ...(epsilon && { epsilon }) })),
    };
    runs.push(run);
    report.data.runs.push({
      lambdaF,
      epsilon,
      seconds: run.seconds,
      entries: entriesOf(run),
      clean: small(run.evaluations.clean),
      asPublished: small(run.evaluations['as-published']),
    });
    report.save();
  }
  for (const protocol of PROTOCOLS) {
    const rows = [];
    for (const { lambdaF, epsilon, evaluations } of runs) {
      rows.push([
        `EASE λ = ${lambdaF}, ${epsilon ? 'every entry' : 'entries ≥ 0.01'}`,
        ...ofMarkets(evaluations[protocol], order, three),
      ]);
      if (isPublished(order) && epsilon)
        rows.push([`reference λ = ${lambdaF}`, ...publishedRow(EASE_REFERENCE[protocol][lambdaF], order)]);
    }
    if (protocol === 'as-published' && isPublished(order))
      rows.push(["the paper's EASE", ...publishedRow(PAPER_EASE, order)]);
    report.add(`## ${protocol}\n\n${table(['model', ...order.map(({ label }) => label)], rows)}`);
  }
  const entries = entriesOf(runs[2]);
  report.add(
    `Entries of B ≥ 0.01 at λ = 25: ${entries.toLocaleString('en-US')}${isPublished(order) ? `; the reference has ${ENTRIES_REFERENCE.toLocaleString('en-US')} (${percent(entries / ENTRIES_REFERENCE - 1)} % apart)` : ''}.`,
  );
}

/** Entries of the merged B, which is the first stage's matrix. */
const entriesOf = ({ stages }) => Number(/([\d,]+) entries/.exec(stages[0].detail)[1].replaceAll(',', ''));

async function paperPart(context) {
  const { order, epochs } = context;
  const header = ['model', ...order.map(({ label }) => label)];
  const report = new Report('quality/paper', 'M3Rec as published, and without its parts', context, { runs: [] });
  const run = async (without) => {
    const found = await result(context, { preset: 'paper', epochs, without });
    report.data.runs.push({
      without: without ?? 'nothing',
      seconds: found.seconds,
      clean: small(found.evaluations.clean),
      asPublished: small(found.evaluations['as-published']),
    });
    report.save();
    return found;
  };
  const whole = await run(undefined);
  const rows = PROTOCOLS.map((protocol) => [
    `preset paper, ${protocol}`,
    ...ofMarkets(whole.evaluations[protocol], order, three),
  ]);
  if (isPublished(order))
    rows.push(
      ["the paper's M3Rec", ...publishedRow(PAPER_M3REC, order)],
      ['reference "as written", clean, another half', ...publishedRow(AS_WRITTEN, order)],
    );
  report.add(`## preset paper\n\n${table(header, rows)}`);

  const ablation = [['whole', whole]];
  for (const without of ['intra', 'inter', 'both']) ablation.push([`without ${without}`, await run(without)]);
  for (const protocol of PROTOCOLS) {
    const lines = ablation.map(([label, { evaluations }]) => [
      label,
      ...ofMarkets(evaluations[protocol], order, ({ mrr }) => percent(mrr)),
    ]);
    if (protocol === 'as-published' && isPublished(order)) {
      lines.push([
        "the paper's, whole",
        ...publishedMrr(
          PAPER_M3REC.map(([mrr]) => mrr),
          order,
        ),
      ]);
      for (const [without, values] of Object.entries(PAPER_ABLATION))
        lines.push([`the paper's, without ${without}`, ...publishedMrr(values, order)]);
    }
    report.add(`## Ablation, MRR, ${protocol}\n\n${table(header, lines)}`);
  }
}

async function defaultPart(context) {
  const { order, epochs } = context;
  const report = new Report(
    'quality/default',
    'The default and preset softmax compared with EASE with the best λ',
    context,
    {},
  );
  const sweep = [];
  for (const lambdaF of LAMBDAS)
    sweep.push({ lambdaF, evaluation: (await result(context, { model: 'ease', lambdaF })).evaluations.clean });
  const sweepRows = sweep.map(({ lambdaF, evaluation }) => [
    `λ = ${lambdaF}`,
    ...ofMarkets(restrict(evaluation, 'tune'), order, ({ mrr }) => percent(mrr)),
  ]);
  report.add(
    `## EASE on the tune half, MRR, clean\n\n${table(['model', ...order.map(({ label }) => label)], sweepRows)}`,
  );

  const best = bestByMarket(sweep);
  const runs = {
    default: await result(context, { preset: 'default' }),
    softmax: await result(context, { preset: 'softmax', epochs }),
  };
  report.data.halves = {};
  for (const [half, title] of Object.entries(HALVES)) {
    const ours = restrict(runs.default.evaluations.clean, half);
    const softmax = restrict(runs.softmax.evaluations.clean, half);
    const theirs = restrict(best.evaluation, half);
    const differences = compare(theirs, ours);
    const relative = order.map(({ name }) => of(ours, name).mrr / of(theirs, name).mrr - 1);
    const rows = order.map(({ name, label }, m) => {
      const { difference, standardError } = of(differences, name);
      return [
        label,
        of(ours, name).users.toLocaleString('en-US'),
        best.lambdas[name],
        three(of(theirs, name)),
        three(of(softmax, name)),
        three(of(ours, name)),
        `${percent(difference)} ± ${percent(standardError)}`,
        `${percent(relative[m])} %`,
      ];
    });
    const mean = relative.reduce((sum, x) => sum + x, 0) / relative.length;
    report.data.halves[half] = {
      lambdas: best.lambdas,
      ease: small(theirs),
      default: small(ours),
      softmax: small(softmax),
      differences,
      meanRelativeGain: mean,
    };
    report.add(
      `## ${title}, clean\n\n${table(['market', 'users', 'λ', 'EASE, best λ', 'preset softmax', 'default', 'MRR of the default − EASE ± s.e.', 'relative'], rows)}\n\nMean of the markets, preset softmax: ${three(meanOf(softmax))}; the default: ${three(meanOf(ours))}. Mean relative gain of the default in MRR: ${percent(mean)} %.`,
    );
  }
}

/** The mean of each metric over the markets. */
const meanOf = ({ markets }) =>
  Object.fromEntries(
    ['mrr', 'ndcg', 'hr'].map((metric) => [
      metric,
      markets.reduce((sum, market) => sum + market[metric], 0) / markets.length,
    ]),
  );

const of = (evaluation, name) => (evaluation.markets ?? evaluation).find(({ market }) => market === name);

/** For each market the λ with the highest MRR on the tune half, and the evaluation put together from those. */
function bestByMarket(sweep) {
  const lambdas = {};
  const markets = sweep[0].evaluation.markets.map(({ market }) => {
    const scored = sweep.map(({ lambdaF, evaluation }) => ({
      lambdaF,
      own: of(evaluation, market),
      mrr: of(restrict(evaluation, 'tune'), market).mrr,
    }));
    const best = scored.reduce((a, b) => (b.mrr > a.mrr ? b : a));
    lambdas[market] = best.lambdaF;
    return best.own;
  });
  return { lambdas, evaluation: { ...sweep[0].evaluation, markets } };
}
