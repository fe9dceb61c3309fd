// Run by the build, in Node: the two small models that the page answers with before anything is trained, and the basket that
// it opens with.
import { assembleGenerated } from '../data/generate.ts';
import type { Markets } from '../data/markets.ts';
import { exportModel } from '../models/export.ts';
import { encodeModel } from '../models/file.ts';
import { loadModel } from '../models/load.ts';
import { train } from '../train/train.ts';
import { sampleData } from './sample.ts';
import { historyOf } from './worker/answers.ts';
import type { Opening } from './worker/api.ts';
import { smallest } from './worker/exporting.ts';
import { comparisonOf, measuredOf, ranksOf } from './worker/measure.ts';
import { Together } from './worker/together.ts';

const MARKET = 'in';
const K = 10;
/** A tie that is never seen in the market and as often elsewhere is what the page shows first. */
const SEEN_ELSEWHERE = 15;

export async function makeSample() {
  const markets = assembleGenerated(sampleData());
  const model = await train(markets);
  const own = markets.markets.find(({ name }) => name === MARKET)!;
  const alone: Markets = {
    items: Array.from(own.items, (item) => markets.items[item]),
    markets: [{ ...own, items: Int32Array.from(own.items.keys()) }],
  };
  const aloneModel = await train(alone);
  const files = [model, aloneModel].map((each) =>
    encodeModel(exportModel(each, { markets: [MARKET], ...smallest(each) })),
  );
  const [all, one] = await Promise.all(files.map((file) => loadModel(file)));
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
  const ranks = await Promise.all([one, all].map((each) => ranksOf(each, markets, {})));
  const [before, after] = ranks.map((each) => measuredOf(each)[0].hr);
  const [{ error }] = comparisonOf(ranks[0], ranks[1]);
  const purchases = own.interactions.indices.length;
  const opening: Opening = { market: MARKET, purchases, basket, gain: { before, after, error: error / 100 } };
  return { all: files[0], alone: files[1], opening };
}
