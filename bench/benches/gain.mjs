// What markets give each other, in three parts that can be run alone: each market alone beside all, with fewer users and with one of
// the others left out; what the assortment and the prior add by themselves; and the constants, chosen on four markets and tried on the
// fifth.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  drawGain,
  encodeModel,
  evaluate,
  loadModel,
  measureGain,
  train,
  withAssortment,
  withFewerUsers,
} from '../../dist/index.js';
import { loadMarkets } from '../harness/data.mjs';
import { restrict } from '../harness/halves.mjs';
import { note, resultFile, save, show, table } from '../harness/report.mjs';

const SEED = 1;
const SHARES = [0.03, 0.1, 0.3];
const LAMBDAS = [20, 40, 80];
const BORROW = [0.2, 0.35, 0.5];
/** The share of a market's users with which the constants are tried beside all of them. */
const SCARCE = 0.03;
const EVERYWHERE = { everywhere: true };
const PARTS = { markets: marketsPart, ablation: ablationPart, constants: constantsPart };

export async function gain({ parts = Object.keys(PARTS) }) {
  const { name, markets } = await loadMarkets();
  for (const part of parts) await PARTS[part](name, markets);
}

const percent = (x) => (100 * x).toFixed(2);
const signed = (x) => `${x < 0 ? '' : '+'}${percent(x)}`;
const three = ({ mrr, ndcg, hr }) => [mrr, ndcg, hr].map(percent).join('/');
const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;
const relative = ({ alone, together }) => together.mrr / alone.mrr - 1;

async function marketsPart(name, markets) {
  note('gain: markets …');
  const found = await measureGain(markets, { seed: SEED, shares: SHARES });
  const points = found.markets.flatMap(({ market, curve }) =>
    curve.map(({ share, users, ...both }) => [
      market,
      share,
      users.toLocaleString('en-US'),
      three(both.alone),
      three(both.together),
      `${signed(both.differences.mrr.difference)} ± ${percent(both.differences.mrr.standardError)}`,
      `${signed(relative(both))} %`,
    ]),
  );
  const sources = found.markets.map(({ market }) => market);
  const matrix = sources.map((source) => [
    source,
    ...found.markets.map(({ without }) => {
      const cell = without.find((each) => each.source === source);
      return cell ? `${signed(cell.difference)} ± ${percent(cell.standardError)}` : '';
    }),
  ]);
  const means = [...SHARES, 1].map((share, i) => {
    const gains = found.markets.map(({ curve }) => relative(curve[i]));
    return [share, `${signed(mean(gains))} %`, `${signed(Math.min(...gains))} %`];
  });
  const blocks = [
    `Data: ${name}, held-out rows of valid, 999 negatives, protocol clean, seed ${SEED}; the default model. MRR/NDCG@10/HR@10 in %. Of a market with a share of its users the same held-out users are ranked, by their whole histories.`,
    `## Each market alone beside all, by the users of the market in training\n\n${table(['market', 'share', 'users', 'alone', 'with the others', 'MRR, points', 'MRR'], points)}`,
    `## The gain in MRR, over markets\n\n${table(['share', 'mean', 'least'], means)}`,
    `## What leaving a market out (row) changes in the others (column), MRR in points\n\n${table(['without', ...sources], matrix)}`,
    '![MRR by the users of a market, alone and with the others](markets.svg)',
  ];
  for (const block of blocks) show(block);
  save('gain/markets', 'What markets give each other', blocks, { data: name, ...found }, EVERYWHERE);
  writeFileSync(`${fileURLToPath(resultFile('gain/markets', EVERYWHERE))}.svg`, drawGain(found));
}

/** Every row of one market, ranked by a model of this data. */
async function rankBy(data, options, whole, market) {
  const recommender = await loadModel(encodeModel(await train(data, options)));
  const result = await evaluate(recommender, whole, { seed: SEED, markets: [market], perUser: true });
  recommender.close();
  return result;
}

async function ablationPart(name, markets) {
  const rows = [];
  const data = [];
  for (const { name: market } of markets.markets) {
    for (const share of [0.03, 0.1, 1]) {
      note(`gain: ablation, ${market}, ${share} …`);
      const few = share === 1 ? markets : withFewerUsers(markets, market, share, SEED);
      const [own] = few.markets.filter((each) => each.name === market);
      const bought = withAssortment(few, 'sold');
      const [sold] = bought.markets.filter((each) => each.name === market);
      const ways = {
        neither: await rankBy({ items: bought.items, markets: [sold] }, {}, markets, market),
        assortment: await rankBy(few, { borrow: 0 }, markets, market),
        prior: await rankBy(bought, {}, markets, market),
        both: await rankBy(few, {}, markets, market),
      };
      const mrr = Object.fromEntries(
        Object.entries(ways).map(
          ([
            way,
            {
              markets: [found],
            },
          ]) => [way, found.mrr],
        ),
      );
      data.push({ market, share, users: own.users.length, ...mrr });
      rows.push([market, own.users.length.toLocaleString('en-US'), ...Object.values(mrr).map(percent)]);
    }
  }
  const blocks = [
    `Data: ${name}, held-out rows of valid, 999 negatives, protocol clean, seed ${SEED}; MRR in %. Without the assortment a market sells what its users in training have bought; without the prior (borrow 0) it learns from its own users alone.`,
    table(['market', 'users', 'neither', 'assortment alone', 'prior alone', 'both'], rows),
  ];
  for (const block of blocks) show(block);
  save('gain/ablation', 'What the assortment and the prior add', blocks, { data: name, rows: data }, EVERYWHERE);
}

async function constantsPart(name, markets) {
  const names = markets.markets.map((market) => market.name);
  const grid = LAMBDAS.flatMap((lambda) => BORROW.map((borrow) => ({ lambda, borrow })));
  const all = [];
  for (const options of grid) {
    note(`gain: constants, λ ${options.lambda}, s ${options.borrow} …`);
    const found = {};
    const recommender = await loadModel(encodeModel(await train(markets, options)));
    const whole = await evaluate(recommender, markets, { seed: SEED, perUser: true });
    recommender.close();
    for (const market of names) {
      const few = await rankBy(withFewerUsers(markets, market, SCARCE, SEED), options, markets, market);
      const of = (evaluation, half) => restrict(evaluation, half).markets.find((each) => each.market === market).mrr;
      found[market] = {};
      for (const half of ['tune', 'report']) found[market][half] = { whole: of(whole, half), few: of(few, half) };
    }
    all.push({ ...options, found });
  }
  const first = all.find(({ lambda, borrow }) => lambda === 40 && borrow === 0.35);
  /** The gain over the default constants in the mean of markets and of both sizes. */
  const score = ({ found }, over, half) =>
    mean(over.flatMap((m) => ['whole', 'few'].map((size) => found[m][half][size] / first.found[m][half][size] - 1)));
  const bestOn = (over, half) => all.reduce((a, b) => (score(b, over, half) > score(a, over, half) ? b : a));
  const say = ({ lambda, borrow }) => `${lambda}, ${borrow}`;
  const rows = names.map((market) => {
    const chosen = bestOn(
      names.filter((other) => other !== market),
      'tune',
    );
    const best = bestOn([market], 'report');
    const { whole, few } = chosen.found[market].report;
    return [
      market,
      say(chosen),
      percent(whole),
      percent(few),
      `${signed(score(chosen, [market], 'report'))} %`,
      say(best),
      `${signed(score(best, [market], 'report'))} %`,
    ];
  });
  const gridRows = all.map((each) => [
    say(each),
    `${signed(score(each, names, 'tune'))} %`,
    `${signed(score(each, names, 'report'))} %`,
  ]);
  const blocks = [
    `Data: ${name}, held-out rows of valid, 999 negatives, protocol clean, seed ${SEED}; gains in MRR over λ = 40, s = 0.35, the mean of each market whole and with ${percent(SCARCE)} % of its users. Halves by a hash of the user.`,
    `## Chosen on the tune half of four markets, tried on the report half of the fifth\n\n${table(['market', 'λ, s chosen', 'MRR whole', 'MRR few', 'gain', 'best found', 'its gain'], rows)}`,
    `## The grid, all markets\n\n${table(['λ, s', 'tune half', 'report half'], gridRows)}`,
  ];
  for (const block of blocks) show(block);
  save('gain/constants', 'The constants of the default model', blocks, { data: name, grid: all }, EVERYWHERE);
}
