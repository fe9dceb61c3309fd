// What the size of a system does to the ranking of EASE by groups: NDCG@10 compared with the exact inverse at the same
// options, in each market and over all, for EASE of all markets, EASE of each market by itself, and both presets of
// M3Rec.
import { basename } from 'node:path';
import { readDirectory } from '../../dist/node.js';
import { fingerprintOf, result } from '../harness/cached.mjs';
import { dataDirectory } from '../harness/data.mjs';
import { halfOf } from '../harness/halves.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const SIZES = [128, 256, 512];
/** Of the presets, which take minutes. */
const PRESET_SIZES = [128, 256];
const K = 10;
const PARTS = {
  'ease, all markets as one, λ = 25': { model: 'ease', lambdaF: 25 },
  'ease, all markets as one, λ = 50': { model: 'ease', lambdaF: 50 },
  'ease of each market by itself, λ = 25': { model: 'ease', lambdaF: 25, alone: true },
  'preset softmax': { model: 'm3rec', preset: 'softmax' },
  'preset paper': { model: 'm3rec', preset: 'paper' },
};
const HALVES = ['tune', 'report', 'all'];

const percent = (x) => (100 * x).toFixed(2);
const signed = (x) => `${x < 0 ? '−' : '+'}${percent(Math.abs(x))}`;

export async function solver() {
  const path = dataDirectory();
  if (!path) {
    note('solver: skipped, since neither M3REC_DATA nor ../shared/xmarket names a folder of data');
    return;
  }
  const { markets } = await readDirectory(path);
  const names = markets.filter(({ heldOut }) => heldOut.valid?.length > 0).map(({ name }) => name);
  const context = { path, fingerprint: fingerprintOf(markets) };
  const runs = [];
  const blocks = [
    `Data: ${basename(path)}, held-out rows of valid among 999 negatives (clean, seed 1), NDCG@10 in %. Differences are from the exact inverse at the same options, paired by user, the mean over the markets; ± is a standard error. Options are chosen on the tune half.`,
  ];
  for (const [title, { alone, ...options }] of Object.entries(PARTS)) {
    const ranksOf = async (solver) => {
      const ranks = new Map();
      for (const only of alone ? names : [undefined]) {
        const { evaluations, seconds } = await result(
          context,
          { ...options, ...solver },
          { protocols: ['clean'], ...(only && { only }) },
        );
        for (const { market, perUser } of evaluations.clean.markets) ranks.set(market, perUser);
        ranks.seconds = (ranks.seconds ?? 0) + seconds;
      }
      return ranks;
    };
    const exact = await ranksOf({ easeSolver: 'exact' });
    const rows = [row('exact', exact, exact, names)];
    runs.push({ title, solver: 'exact', seconds: exact.seconds, ...figures(exact, exact, names) });
    for (const systemItems of options.preset ? PRESET_SIZES : SIZES) {
      const found = await ranksOf({ easeSolver: 'groups', systemItems });
      rows.push(row(`systems of ${systemItems}`, found, exact, names));
      runs.push({ title, solver: systemItems, seconds: found.seconds, ...figures(found, exact, names) });
    }
    blocks.push(
      `## ${title}\n\n${table(['solver', ...names, 'mean', ...HALVES.map((half) => `from exact, ${half}`)], rows)}`,
    );
    show(blocks.at(-1));
    save(
      'solver',
      'The size of a system of EASE by groups',
      blocks,
      { data: basename(path), runs },
      { everywhere: true },
    );
  }
}

const gain = (rank) => (rank <= K ? 1 / Math.log2(1 + rank) : 0);
const inHalf = (half) => (half === 'all' ? () => true : ({ user }) => halfOf(user) === half);

/** Mean NDCG of each market, and for each half the mean over markets of the paired differences, with its standard error. */
function figures(found, exact, names) {
  const ndcg = Object.fromEntries(names.map((name) => [name, mean(found.get(name).map(({ rank }) => gain(rank)))]));
  const differences = {};
  for (const half of HALVES) {
    let sum = 0;
    let variance = 0;
    for (const name of names) {
      const list = found
        .get(name)
        .map(({ user, rank }, u) => ({ user, gain: gain(rank) - gain(exact.get(name)[u].rank) }));
      const own = list.filter(inHalf(half)).map(({ gain: value }) => value);
      const average = mean(own);
      sum += average;
      variance += mean(own.map((value) => (value - average) ** 2)) / own.length;
    }
    differences[half] = { mean: sum / names.length, standardError: Math.sqrt(variance) / names.length };
  }
  return { ndcg, differences };
}

function row(label, found, exact, names) {
  const { ndcg, differences } = figures(found, exact, names);
  return [
    label,
    ...names.map((name) => percent(ndcg[name])),
    percent(mean(Object.values(ndcg))),
    ...HALVES.map((half) =>
      found === exact ? '' : `${signed(differences[half].mean)} ± ${percent(differences[half].standardError)}`,
    ),
  ];
}

const mean = (list) => list.reduce((sum, value) => sum + value, 0) / Math.max(1, list.length);
