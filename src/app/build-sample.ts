// Run by the build, in Node: the two small models that the page answers with before anything is trained, and the basket that
// it opens with.
import { assembleGenerated } from '../data/generate.ts';
import type { Markets } from '../data/markets.ts';
import { embeddedKernels } from '../engine/embedded.ts';
import { embedKernels } from '../engine/init.ts';
import type { Model } from '../model/model.ts';
import { exportModel } from '../models/export.ts';
import { encodeModel } from '../models/file.ts';
import { loadModel } from '../models/load.ts';
import type { KindName } from '../models/registry.ts';
import { train } from '../train/train.ts';
import { sampleData, sampleItems } from './sample.ts';
import { answer, historyOf } from './worker/answers.ts';
import type { Opening } from './worker/api.ts';
import { smallest } from './worker/exporting.ts';
import { comparisonOf, measuredOf, ranksOf } from './worker/measure.ts';
import { Together } from './worker/together.ts';

const MARKET = 'in';
/**
 * The method that learns from all markets at once. In the sample's scarcest market it finds as much as EASE of all markets does,
 * and the other markets add most to it.
 */
const KIND: KindName = 'm3rec';
const K = 10;
/** A tie that is never seen in the market and as often elsewhere is what the page shows first. */
const SEEN_ELSEWHERE = 15;

/** What is shipped of a model, opened, with what it finds of the market's held-out rows. */
async function shipped(model: Model, markets: Markets) {
  const file = encodeModel(exportModel(model, { markets: [MARKET], ...smallest(model) }));
  const recommender = await loadModel(file);
  const ranks = await ranksOf(recommender, markets, {});
  return { file, recommender, ranks, found: measuredOf(ranks)[0].hr };
}

export async function makeSample() {
  embedKernels(embeddedKernels);
  const markets = assembleGenerated(sampleData());
  const own = markets.markets.find(({ name }) => name === MARKET)!;
  const alone: Markets = {
    items: Array.from(own.items, (item) => markets.items[item]),
    markets: [{ ...own, items: Int32Array.from(own.items.keys()) }],
  };
  const model = await train(markets, { model: KIND });
  const both = await shipped(model, markets);
  const single = await shipped(await train(alone, { model: KIND }), markets);
  const [all, one] = [both.recommender, single.recommender];
  const together = new Together(markets);
  let basket: string[] = [];
  let most = -1;
  for (const user of own.users) {
    const items = historyOf(model, MARKET, user);
    if (items.length !== 3) continue;
    const before = new Set(one.recommend({ market: MARKET, items, k: K }).items.map(({ item }) => item));
    const answers = all.recommend({ market: MARKET, items, k: K, explain: 1 }).items;
    const fresh = answers.filter(({ item }) => !before.has(item));
    const shown = fresh.filter(({ item, because }) => {
      const { here, elsewhere } = together.count(MARKET, because![0].item, item);
      return here === 0 && elsewhere >= SEEN_ELSEWHERE;
    });
    const score = 100 * Math.min(2, shown.length) + fresh.length;
    if (shown.length > 0 && score > most) [most, basket] = [score, items];
  }
  const titles = new Map(sampleItems().map((item) => [item.id, item]));
  const query = { market: MARKET, items: basket, k: K };
  const answers = { alone: answer(one, query, { titles, together }), others: answer(all, query, { titles, together }) };
  const shown = [...basket, ...Object.values(answers).flatMap(({ items }) => items.map(({ item }) => item))];
  const named = [...new Set(shown)].map((item) => titles.get(item)!);
  const [{ error }] = comparisonOf(single.ranks, both.ranks);
  const gain = { before: single.found, after: both.found, error: error / 100 };
  const opening: Opening = {
    market: MARKET,
    purchases: own.interactions.indices.length,
    basket,
    answers,
    titles: named,
    gain,
  };
  return { all: both.file, alone: single.file, opening };
}
