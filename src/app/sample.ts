// "Kettle & Fern", a shop that does not exist: generated markets whose items have readable names, so that a recommendation
// can be judged by eye. Everything is drawn by SplitMix in exact arithmetic, so that every browser has the same shop.
import type { GeneratedData } from '../data/generate.ts';
import { SplitMix } from '../data/splitmix.ts';

/** One item of the sample shop. */
export interface SampleItem {
  id: string;
  title: string;
  category: string;
  /** By market, as a shop would print it, without the currency's sign. */
  price: Record<string, number>;
}

/** Of the shop that the page ships. */
export const SAMPLE_SEED = 1;

/** Interests with their kinds; the digit is a step of PRICES. */
const INTERESTS: Record<string, string> = {
  Coffee:
    'hand grinder 7, dripper 4, filter papers 0, gooseneck kettle 7, brew scale 5, carafe 5, espresso cup 2, bean canister 4',
  Baking:
    'loaf tin 3, proofing basket 4, rolling pin 3, mixing bowl 4, dough scraper 1, cake stand 5, oven glove 2, pastry brush 1',
  Camping:
    'two-person tent 9, sleeping mat 7, head torch 5, camp stove 7, enamel mug 2, dry bag 4, folding chair 6, water carrier 3',
  Cycling: 'pannier 7, bottle cage 2, tail light 4, floor pump 6, repair kit 2, cycling cap 3, bar tape 3, frame bag 5',
  Balcony: 'planter 4, watering can 4, seed tray 1, hand trowel 2, herb kit 3, trellis 5, potting mat 3, rain gauge 2',
  Desk: 'desk lamp 7, monitor stand 6, cable box 4, notebook 1, pen tray 2, desk mat 4, footrest 6, document file 2',
  Dog: 'dog bed 7, lead 4, food bowl 3, chew rope 1, towel coat 5, travel crate 8, grooming brush 3, treat pouch 2',
  Knitting:
    'wool skein 2, needle set 5, stitch markers 0, project bag 4, yarn bowl 4, row counter 1, blocking mat 4, pattern book 3',
  Painting:
    'gouache set 6, round brush 1, sketch pad 2, easel 7, palette 2, masking tape 0, canvas board 2, brush roll 4',
  Bath: 'bath towel 4, soap dish 2, shower shelf 4, bath mat 4, laundry basket 6, robe 7, toothbrush mug 2, linen spray 2',
  Nursery:
    'night light 4, cot sheet 3, stacking blocks 4, bath toy 1, growth chart 3, toy crate 5, play mat 6, story book 2',
  Bedroom:
    'duvet cover 7, reading lamp 6, throw 6, pillow 5, bedside tray 4, curtain pair 7, alarm clock 4, storage box 4',
};
/** Plain words of nature, not names of firms. A series' number modulo 3 is its style. */
const SERIES =
  'Bracken Copse Estuary Fallow Heath Heron Larch Lichen Marsh Moorland Plover Quarry Rowan Sedge Shingle Sorrel'.split(
    ' ',
  );
const COLOURS = [
  'natural oat clay fern moss bark sand',
  'bold cobalt saffron coral ruby violet emerald',
  'plain graphite slate white ivory black cloud',
].map((line) => line.split(' ').slice(1));
/** EUR. */
const PRICES = [3, 5, 8, 12, 18, 25, 35, 49, 79, 129];
const STYLES = 3;
const FIRST_ID = 1000;

interface MarketShape {
  name: string;
  users: number;
  /** Share of the common pool that it sells. */
  common: number;
  /** Items of its own. */
  own: number;
  /** Makes histories longer. */
  length: number;
  /** Units of its money for a euro, and how its prices end. */
  price: (euros: number) => number;
}

const MARKETS: readonly MarketShape[] = [
  { name: 'us', users: 2200, common: 0.62, own: 170, length: 6, price: (eur) => ending(eur * 1.1, 0.99) },
  { name: 'uk', users: 1300, common: 0.55, own: 90, length: 6, price: (eur) => ending(eur * 0.85, 0.99) },
  { name: 'de', users: 900, common: 0.5, own: 75, length: 5, price: (eur) => ending(eur, 0.95) },
  {
    name: 'jp',
    users: 520,
    common: 0.42,
    own: 60,
    length: 4,
    price: (eur) => Math.max(1, Math.round((eur * 160) / 100)) * 100 - 20,
  },
  {
    name: 'in',
    users: 240,
    common: 0.42,
    own: 40,
    length: 2.2,
    price: (eur) => Math.max(1, Math.round((eur * 92) / 10)) * 10 - 1,
  },
];

/** Of a purchase: by the customer's first interest, by the second, else by popularity alone. */
const BY_FIRST = 0.68;
const BY_SECOND = 0.22;
/** How much more an item of the customer's style is bought. */
const OWN_STYLE = 4;
const LONGEST = 60;
const SHORTEST = 5;

const ending = (price: number, end: number) => Math.max(0, Math.floor(price)) + end;

/** The 1,536 items, by number. */
export function sampleItems(): SampleItem[] {
  const items: SampleItem[] = [];
  for (const [category, kinds] of Object.entries(INTERESTS)) {
    for (const [k, kind] of kinds.split(', ').entries()) {
      const step = PRICES[Number(kind.at(-1))];
      for (const [s, series] of SERIES.entries()) {
        const colours = COLOURS[s % STYLES];
        const euros = (step * (80 + 5 * (s % 9))) / 100;
        items.push({
          id: `KF${FIRST_ID + items.length}`,
          title: `${series} ${colours[(s + k) % colours.length]} ${kind.slice(0, -2)}`,
          category,
          price: Object.fromEntries(MARKETS.map(({ name, price }) => [name, price(euros)])),
        });
      }
    }
  }
  return items;
}

/** The purchases of the five markets: all but the last two rows of a customer train, one each is for `valid` and `test`. */
export function sampleData(seed = SAMPLE_SEED): GeneratedData {
  const items = sampleItems();
  const kindsEach = items.length / Object.keys(INTERESTS).length;
  const random = new SplitMix(seed, 40);
  const order = Int32Array.from(items.keys());
  random.shuffle(order);
  const ownItems = MARKETS.reduce((sum, { own }) => sum + own, 0);
  const pool = order.subarray(ownItems);
  let nextOwn = 0;
  const markets = MARKETS.map((shape, m) => {
    const drawn = new SplitMix(seed, 50 + m);
    const common = pool.slice();
    drawn.shuffle(common);
    const sold = [
      ...common.subarray(0, Math.round(shape.common * common.length)),
      ...order.subarray(nextOwn, nextOwn + shape.own),
    ].sort((a, b) => a - b);
    nextOwn += shape.own;
    return purchases(shape, sold, kindsEach, drawn);
  });
  return { items: items.map(({ id }) => id), markets };
}

function purchases(
  shape: MarketShape,
  sold: number[],
  kindsEach: number,
  random: SplitMix,
): GeneratedData['markets'][0] {
  // popularity by a rank of the market's own, so that markets differ in what sells best
  const ranks = Int32Array.from(sold.keys());
  random.shuffle(ranks);
  const popularity = sold.map((_, i) => 1 / ((ranks[i] * (0.5 + random.fraction())) / 4 + 6));
  const interests = Object.keys(INTERESTS).length;
  const interestOf = (item: number) => Math.floor(item / kindsEach);
  const all = new Weighted(sold, popularity);
  // by interest and style
  const tastes = Array.from({ length: interests * STYLES }, (_, t) => {
    const [interest, style] = [Math.floor(t / STYLES), t % STYLES];
    const of = sold.flatMap((item, i) => (interestOf(item) === interest ? [i] : []));
    const weight = (i: number) => popularity[i] * ((sold[i] % SERIES.length) % STYLES === style ? OWN_STYLE : 1);
    return new Weighted(
      of.map((i) => sold[i]),
      of.map(weight),
    );
  });

  const rows = { train: lists(), valid: lists(), test: lists() };
  const users = Array.from({ length: shape.users }, (_, user) => `${shape.name}-${FIRST_ID + user}`);
  for (let user = 0; user < users.length; user++) {
    const first = random.below(interests);
    const second = random.below(interests);
    const style = random.below(STYLES);
    const long = Math.floor(shape.length * (1 / Math.sqrt(random.fraction() + 2 ** -33) - 1));
    const length = Math.min(LONGEST, SHORTEST + long);
    const bought = new Set<number>();
    // a catalogue may hold fewer items of a taste than somebody would buy
    for (let tries = 0; bought.size < length && tries < 20 * length; tries++) {
      const u = random.fraction();
      const interest = u < BY_FIRST ? first : u < BY_FIRST + BY_SECOND ? second : -1;
      bought.add((interest < 0 ? all : tastes[interest * STYLES + style]).draw(random));
    }
    for (const [place, item] of [...bought].entries()) {
      const left = bought.size - place;
      const to = left === 1 ? rows.test : left === 2 ? rows.valid : rows.train;
      to.users.push(user);
      to.items.push(item);
    }
  }
  return { name: shape.name, users, train: packed(rows.train), valid: packed(rows.valid), test: packed(rows.test) };
}

const lists = () => ({ users: [] as number[], items: [] as number[] });
const packed = ({ users, items }: { users: number[]; items: number[] }) => ({
  users: Int32Array.from(users),
  items: Int32Array.from(items),
});

/** Draws items in proportion to their weights. */
class Weighted {
  private readonly sums: Float64Array;
  private readonly items: readonly number[];

  constructor(items: readonly number[], weights: readonly number[]) {
    let sum = 0;
    this.items = items;
    this.sums = Float64Array.from(weights, (weight) => {
      sum += weight;
      return sum;
    });
  }

  draw(random: SplitMix): number {
    const at = random.fraction() * this.sums[this.sums.length - 1];
    let low = 0;
    let high = this.sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sums[middle] > at) high = middle;
      else low = middle + 1;
    }
    return this.items[low];
  }
}
