// Under which protocol was Table 2 of the paper measured? EASE and M3Rec at the paper's settings, ranked in several
// ways: own training items drawn or not, masked or not, with a part of themselves in the score or not; others drawn from
// the market or from all markets; λ. Each beside what the paper prints.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeModel, evaluate, loadModel, train } from '../../dist/index.js';
import { nodeWorkers } from '../../dist/node.js';
import { loadMarkets, mergeMarkets } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { PAPER_EASE, PAPER_M3REC, PAPER_NAMES } from '../harness/published.mjs';
import { note, resultFile, save, show, table } from '../harness/report.mjs';

/** Of the paper's grid, and one far beyond. */
const LAMBDAS = [25, 50, 500];
const MERGED_LAMBDA = 25;

const [clean, asPublished] = ['clean', 'as-published'];
/** Own items are drawn, and then not ranked: fewer negatives. */
const masked = {
  name: 'masked',
  candidates: ({ target, seen }, _pool, draw) => {
    const own = new Set(seen);
    return draw([[target]]).filter((place) => !own.has(place));
  },
};

const PARTS = ['market', 'merged', 'm3rec'];

export async function readings({ parts = PARTS, threads = 1 }) {
  const { name: data, markets } = await loadMarkets();
  const names = Object.keys(PAPER_NAMES);
  if (!names.every((name) => markets.markets.some((market) => market.name === name))) {
    note('readings: skipped, since the data has not the markets of the paper');
    return;
  }
  const run = { threads, ...(threads > 1 && { workers: nodeWorkers }) };
  const rows = known(parts);
  const add = (part, system, model, reading, found) => {
    const printed = system === 'EASE' ? PAPER_EASE : PAPER_M3REC;
    const figures = names.map((name) => {
      const { mrr, ndcg, hr } = found.find(({ market }) => market === name);
      return [mrr, ndcg, hr].map((value) => 100 * value);
    });
    const far = figures.flatMap((values, m) => values.map((value, i) => Math.abs(value - printed[m][i])));
    const away = (each) => each.reduce((sum, value) => sum + value, 0) / each.length;
    rows.push({ part, system, model, reading, figures, mrr: away(far.filter((_, i) => i % 3 === 0)), all: away(far) });
    note(`${system} ${model}, ${reading}: ${figures.map(([mrr]) => mrr.toFixed(1)).join(' ')}`);
  };

  if (parts.includes('market')) await ofEach(markets, names, run, add);
  if (parts.includes('merged')) await ofAll(markets, names, run, add);
  if (parts.includes('m3rec')) await m3rec(markets, run, add);

  const cell = ([mrr, ndcg, hr]) => `${mrr.toFixed(1)}/${ndcg.toFixed(1)}/${hr.toFixed(1)}`;
  const line = ({ system, model, reading, figures, mrr, all }) => [
    `${system} ${model}`,
    reading,
    ...figures.map(cell),
    mrr.toFixed(1),
    all.toFixed(1),
  ];
  const printed = (system, values) => [system, 'printed', ...values.map(cell), '', ''];
  const blocks = [
    `Data: ${data}, all users of valid, 999 others each, seed 1. MRR/NDCG@10/HR@10 in %; the last columns are the mean distance from what the paper prints for the system, of MRR and of all three.`,
    table(
      ['system', 'reading', ...Object.values(PAPER_NAMES), 'MRR', 'all'],
      [
        printed('EASE', PAPER_EASE),
        ...rows.filter(({ system }) => system === 'EASE').map(line),
        printed('M3Rec', PAPER_M3REC),
        ...rows.filter(({ system }) => system === 'M3Rec').map(line),
      ],
      2,
    ),
  ];
  for (const block of blocks) show(block);
  show(describe(machine()));
  save('readings', "Readings of the paper's Table 2", blocks, { data, rows }, { everywhere: true });
}

/** EASE of each market alone. */
async function ofEach(markets, names, run, add) {
  for (const lambdaF of LAMBDAS) {
    const found = { clean: [], asPublished: [] };
    for (const name of names) {
      const alone = only(markets, name);
      const recommender = await open(await train(alone, { model: 'ease', lambdaF, ...run }));
      found.clean.push(...(await ranked(recommender, alone, clean)));
      found.asPublished.push(...(await ranked(recommender, alone, asPublished)));
      recommender.close();
    }
    const model = `of each market, λ = ${lambdaF}`;
    add('market', 'EASE', model, 'own items not drawn (clean)', found.clean);
    add('market', 'EASE', model, 'own items drawn (as published)', found.asPublished);
  }
}

/** EASE of all markets, others drawn from the market or from all of them. */
async function ofAll(markets, names, run, add) {
  const options = { model: 'ease', lambdaF: MERGED_LAMBDA, ...run };
  const model = `of all markets, λ = ${MERGED_LAMBDA}`;
  const recommender = await open(await train(markets, options));
  add('merged', 'EASE', model, 'own items not drawn (clean)', await ranked(recommender, markets, clean));
  add('merged', 'EASE', model, 'own items drawn (as published)', await ranked(recommender, markets, asPublished));
  recommender.close();
  const merged = withHeldOut(mergeMarkets(markets), markets);
  const whole = await open(await train(merged, options));
  for (const [protocol, reading] of [
    [clean, 'not drawn, others from all markets'],
    [asPublished, 'drawn, others from all markets'],
  ])
    add('merged', 'EASE', model, `own items ${reading}`, byMarket(await evaluated(whole, merged, protocol), names));
  whole.close();
}

async function m3rec(markets, run, add) {
  // M3Rec as published
  const recommender = await open(await train(markets, { preset: 'paper', ...run }));
  add('m3rec', 'M3Rec', 'known users', 'own items not drawn (clean)', await ranked(recommender, markets, clean));
  add(
    'm3rec',
    'M3Rec',
    'known users',
    'own items drawn (as published)',
    await ranked(recommender, markets, asPublished),
  );
  add('m3rec', 'M3Rec', 'known users', 'drawn and masked', await ranked(recommender, markets, masked));
  add('m3rec', 'M3Rec', 'folded in', 'own items not drawn (clean)', await ranked(folded(recommender), markets, clean));
  add(
    'm3rec',
    'M3Rec',
    'folded in',
    'own items drawn (as published)',
    await ranked(folded(recommender), markets, asPublished),
  );
  const selfless = withoutSelf(recommender);
  add('m3rec', 'M3Rec', 'folded in, an own item without itself', 'drawn', await ranked(selfless, markets, asPublished));
  recommender.close();
}

/** What earlier runs found of the other parts. */
function known(parts) {
  const file = `${fileURLToPath(resultFile('readings', { everywhere: true }))}.json`;
  if (!existsSync(file)) return [];
  return JSON.parse(readFileSync(file, 'utf8')).rows.filter(({ part }) => !parts.includes(part));
}

const open = async (model) => loadModel(encodeModel(model));
const evaluated = (recommender, markets, protocol) =>
  evaluate(recommender, markets, { heldOut: 'valid', protocol, negatives: 999, seed: 1, perUser: true });
const ranked = async (...args) => (await evaluated(...args)).markets;

/** One market as if there were no other. */
function only({ items, markets }, name) {
  const market = markets.find((each) => each.name === name);
  return {
    items: Array.from(market.items, (item) => items[item]),
    markets: [{ ...market, items: Int32Array.from(market.items.keys()) }],
  };
}

/** Held-out rows of all markets as those of one; items that nobody bought are none of its items. */
function withHeldOut(merged, { markets }) {
  const users = new Map(merged.markets[0].users.map((user, index) => [user, index]));
  const places = new Map(merged.items.map((item, place) => [item, place]));
  const valid = markets.flatMap(({ name, heldOut }) =>
    heldOut.valid.map(({ userId, itemId }) => ({
      userId: `${name}/${userId}`,
      itemId,
      user: users.get(`${name}/${userId}`) ?? -1,
      item: places.get(itemId) ?? -1,
    })),
  );
  return { ...merged, markets: [{ ...merged.markets[0], heldOut: { valid } }] };
}

/** The rows of one evaluation by the markets that their users are of. */
function byMarket({ markets: [{ perUser }] }, names) {
  return names.map((market) => {
    const rows = perUser.filter(({ user }) => user.startsWith(`${market}/`));
    const mean = (value) => rows.reduce((sum, { rank }) => sum + (rank <= 10 ? value(rank) : 0), 0) / rows.length;
    return { market, mrr: mean((r) => 1 / r), ndcg: mean((r) => 1 / Math.log2(1 + r)), hr: mean(() => 1) };
  });
}

/** The same recommender, with other scores. */
const scoredBy = (recommender, scores) => Object.create(recommender, { scores: { value: scores } });

/** Users by their history alone, without what was learned of them. */
const folded = (recommender) => scoredBy(recommender, (market, history) => recommender.scores(market, history));

/** And each of their own items by the history without it. */
function withoutSelf(recommender) {
  return scoredBy(recommender, (market, history) => {
    const scores = recommender.scores(market, history);
    for (const item of history) {
      const others = Int32Array.from(history).filter((other) => other !== item);
      scores[item] = others.length > 0 ? recommender.scores(market, others, -1, Int32Array.of(item))[0] : -Infinity;
    }
    return scores;
  });
}
