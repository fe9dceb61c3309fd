import { ArgumentError, checkArray, checkInteger, checkNumber, checkObject } from '../common/errors.ts';
import { assemble } from './assemble.ts';
import { Int32List } from './lists.ts';
import type { Markets } from './markets.ts';
import { SplitMix } from './splitmix.ts';

/** What one generated market is like. */
export interface MarketShape {
  /** 1 to 64 letters, digits, `-` or `_`: it names a folder. */
  name: string;
  /** Its part of all users, relative to the other markets'. */
  users: number;
  /** Size of its catalogue, relative to the other markets'. */
  items: number;
  /** Part of its catalogue that other markets sell too, 0 to 1. */
  shared: number;
}

/** What to generate; every option has a default. */
export interface GenerateOptions {
  seed?: number;
  /** Default: one rich market, four scarcer ones that share 45 to 90 % of their items. */
  markets?: readonly MarketShape[];
  /** All markets' users; default 6,000. */
  users?: number;
  /** Items over all markets; default 2,000. */
  items?: number;
  /** About this many interactions, held-out ones included, at least 5 a user; default 50,000. */
  interactions?: number;
}

/** (rows) user and item number of each row. */
export interface GeneratedRows {
  users: Int32Array;
  items: Int32Array;
}

/** Raw rows by numbers, as a file would hold them. */
export interface GeneratedData {
  /** Item ids by number. */
  items: string[];
  markets: {
    name: string;
    /** User ids by number. */
    users: string[];
    train: GeneratedRows;
    /** One row a user. */
    valid: GeneratedRows;
    /** One row a user. */
    test: GeneratedRows;
  }[];
}

export const DEFAULT_SHAPES: readonly MarketShape[] = [
  { name: 'us', users: 0.4, items: 1, shared: 0.45 },
  { name: 'uk', users: 0.22, items: 0.5, shared: 0.75 },
  { name: 'de', users: 0.16, items: 0.4, shared: 0.8 },
  { name: 'jp', users: 0.13, items: 0.35, shared: 0.85 },
  { name: 'in', users: 0.09, items: 0.3, shared: 0.9 },
];

/**
 * Items of one taste: about this many, whatever the size of the catalogue, so that there is always the same to learn.
 */
const TASTE_SIZE = 20;
/** An item of popularity rank r is drawn with weight 1 / (r + HEAD): a long tail whose head is not one item. */
const HEAD = 8;
/** Chances, in 256ths, that an interaction follows the user's first taste, or the second; else popularity alone. */
const FIRST_TASTE = 150;
const SECOND_TASTE = 60;
const TRIES = 12;

/**
 * A realistic seeded data set. Every item has a taste (a latent cluster) and a popularity rank that markets share
 * roughly; every user has two tastes and 5 interactions or more, long-tailed, of which one is held out into `valid` and
 * one into `test`. Every item of a catalogue has a training row. The same options give the same rows on every host:
 * integers, exact doubles, division and square root only.
 *
 * Time is linear in the interactions (10⁷ take some seconds), memory 8 bytes an interaction.
 *
 * @throws ArgumentError for an option out of range.
 * @example
 * const data = generateMarkets({ seed: 7, users: 500, items: 200, interactions: 4000 });
 * data.markets.map(({ name }) => name); // → ['us', 'uk', 'de', 'jp', 'in']
 */
export function generateMarkets(options: GenerateOptions = {}): GeneratedData {
  checkObject('options', options);
  const shapes = options.markets ?? DEFAULT_SHAPES;
  checkArray('markets', shapes);
  const seed = checkInteger('seed', options.seed ?? 1, 0, 0xffffffff);
  if (shapes.length === 0) throw new ArgumentError('markets', shapes, 'at least one market');
  for (const [i, shape] of shapes.entries()) {
    checkObject(`markets[${i}]`, shape);
    if (typeof shape.name !== 'string' || !/^[\w-]{1,64}$/.test(shape.name))
      throw new ArgumentError(`markets[${i}].name`, shape.name, '1 to 64 letters, digits, - or _');
    if (shapes.findIndex((other) => other.name === shape.name) !== i)
      throw new ArgumentError(`markets[${i}].name`, shape.name, 'a name that no other market has');
    checkNumber(`markets[${i}].users`, shape.users, 1e-6, 1e6);
    checkNumber(`markets[${i}].items`, shape.items, 1e-6, 1e6);
    checkNumber(`markets[${i}].shared`, shape.shared, 0, 1);
  }
  const users = checkInteger('users', options.users ?? 6_000, 2 * shapes.length, 20_000_000);
  const itemCount = checkInteger('items', options.items ?? 2_000, 40 * shapes.length, 2_000_000);
  const interactions = checkInteger(
    'interactions',
    options.interactions ?? Math.max(50_000, 5 * users),
    5 * users,
    500_000_000,
  );

  const random = new SplitMix(seed);
  const popularity = permutation(itemCount, random);
  const tastes = Math.max(2, Math.round(itemCount / TASTE_SIZE));
  const tasteOf = new Int32Array(itemCount);
  for (let item = 0; item < itemCount; item++) tasteOf[item] = random.below(tastes);

  const catalogues = splitItems(shapes, itemCount, random);
  const userParts = shapes.reduce((sum, shape) => sum + shape.users, 0);
  const extra = interactions / users - 5;
  return {
    items: Array.from({ length: itemCount }, (_, item) => `P${String(1_000_000 + item)}`),
    markets: shapes.map((shape, m) => {
      const size = Math.max(2, Math.round((users * shape.users) / userParts));
      const market = new MarketDraft(catalogues[m], popularity, tasteOf, tastes, new SplitMix(seed, m + 1));
      const rows = market.draw(size, extra);
      return {
        name: shape.name,
        users: Array.from({ length: size }, (_, user) => `${shape.name}U${String(1_000_000 + user)}`),
        ...rows,
      };
    }),
  };
}

/**
 * The data set as `Markets`, without a detour over files.
 * @example
 * const small = assembleGenerated(generateMarkets({ seed: 7, users: 500, items: 200, interactions: 4000 }));
 * small.markets.map(({ name }) => name); // → ['de', 'in', 'jp', 'uk', 'us']
 */
export function assembleGenerated(data: GeneratedData): Markets {
  return assemble(
    data.items,
    data.markets.map(({ name, users, train, valid, test }) => ({
      name,
      users,
      trainUsers: train.users,
      trainItems: train.items,
      heldOut: { valid, test },
    })),
  );
}

/** Ascending item numbers of each market: a part of a common pool and items of its own; together they are all items. */
function splitItems(shapes: readonly MarketShape[], itemCount: number, random: SplitMix): Int32Array[] {
  const common = Math.max(...shapes.map((shape) => shape.items * shape.shared));
  const own = shapes.reduce((sum, shape) => sum + shape.items * (1 - shape.shared), 0);
  const scale = itemCount / (common + own);
  const order = permutation(itemCount, random);
  const pool = Math.min(itemCount, Math.round(common * scale));
  const taken = new Uint8Array(itemCount);
  let next = pool;
  const picks = shapes.map((shape, m) => {
    const shared = permutation(pool, random).subarray(
      0,
      Math.min(pool, Math.round(shape.items * shape.shared * scale)),
    );
    const isLast = m === shapes.length - 1;
    const end = isLast ? itemCount : Math.min(itemCount, next + Math.round(shape.items * (1 - shape.shared) * scale));
    const pick = [...Array.from(shared, (i) => order[i]), ...order.subarray(next, end)];
    for (const i of shared) taken[i] = 1;
    next = end;
    return pick;
  });
  // Rounding may leave an item of the pool to nobody.
  const largest = picks.reduce((a, b) => (b.length > a.length ? b : a));
  for (let i = 0; i < pool; i++) if (taken[i] === 0) largest.push(order[i]);
  return picks.map((pick) => Int32Array.from(pick).sort());
}

function permutation(n: number, random: SplitMix): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  random.shuffle(order);
  return order;
}

/** Items to draw from with chances by weight. */
interface Urn {
  items: Int32Array;
  /** (items) running sums of the weights, integers. */
  sums: Float64Array;
}

/** Draws the rows of one market. */
class MarketDraft {
  private readonly all: Urn;
  private readonly byTaste: (Urn | undefined)[];

  constructor(
    /** (n) item numbers, ascending. */
    private readonly catalogue: Int32Array,
    popularity: Int32Array,
    tasteOf: Int32Array,
    tastes: number,
    private readonly random: SplitMix,
  ) {
    // The market's own view of the popularity: each rank is moved by a factor of 1/2 to 3/2.
    const weights = new Map<number, number>();
    for (const item of catalogue)
      weights.set(item, 1 + Math.floor(1e9 / (popularity[item] * (0.5 + random.fraction()) + HEAD)));
    const urn = (items: Int32Array): Urn => {
      const sums = new Float64Array(items.length);
      let sum = 0;
      for (let i = 0; i < items.length; i++) {
        sum += weights.get(items[i])!;
        sums[i] = sum;
      }
      return { items, sums };
    };
    const groups: number[][] = Array.from({ length: tastes }, () => []);
    for (const item of catalogue) groups[tasteOf[item]].push(item);
    this.all = urn(catalogue);
    this.byTaste = groups.map((group) => (group.length === 0 ? undefined : urn(Int32Array.from(group))));
  }

  /** Rows of `size` users with 5 + about `extra` interactions each, 3 + about `extra` of them in training rows. */
  draw(size: number, extra: number): { train: GeneratedRows; valid: GeneratedRows; test: GeneratedRows } {
    const { random, catalogue } = this;
    const trainUsers = new Int32List();
    const trainItems = new Int32List();
    const held = () => ({ users: new Int32Array(size), items: new Int32Array(size) });
    const valid = held();
    const test = held();
    const longest = Math.max(5, Math.min(catalogue.length >> 2, 5 + Math.ceil(40 * extra)));
    const used = new Set<number>();
    const seen = new Set<number>();
    for (let user = 0; user < size; user++) {
      // 1/√f − 1 has mean 1 and a heavy tail.
      const wanted = 5 + Math.floor(extra * (1 / Math.sqrt((random.next() + 1) / 4294967296) - 1) + random.fraction());
      const length = Math.min(longest, wanted);
      // A user's taste is that of an item, so that popular tastes have more followers.
      const first = this.tasteUrn();
      const second = this.tasteUrn();
      seen.clear();
      while (seen.size < length) seen.add(this.pick(first, second, seen));
      const items = Int32Array.from(seen);
      random.shuffle(items);
      for (let i = 2; i < length; i++) {
        trainUsers.push(user);
        trainItems.push(items[i]);
        used.add(items[i]);
      }
      valid.users[user] = user;
      valid.items[user] = items[0];
      test.users[user] = user;
      test.items[user] = items[1];
    }
    for (const item of catalogue) {
      if (used.has(item)) continue;
      let user = random.below(size);
      // Never the user from whom the item is held out, unless it is held out from all.
      for (let step = 0; step < size && (valid.items[user] === item || test.items[user] === item); step++)
        user = (user + 1) % size;
      trainUsers.push(user);
      trainItems.push(item);
    }
    return { train: { users: trainUsers.view().slice(), items: trainItems.view().slice() }, valid, test };
  }

  private tasteUrn(): Urn {
    const urns = this.byTaste;
    for (;;) {
      const urn = urns[this.random.below(urns.length)];
      if (urn) return urn;
    }
  }

  /** An item that the user has not yet. */
  private pick(first: Urn, second: Urn, seen: Set<number>): number {
    const { random, catalogue } = this;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const die = random.next() >>> 24;
      const item = drawFrom(die < FIRST_TASTE ? first : die < FIRST_TASTE + SECOND_TASTE ? second : this.all, random);
      if (!seen.has(item)) return item;
    }
    // `seen` holds a quarter of the catalogue at most, so this ends.
    let at = random.below(catalogue.length);
    while (seen.has(catalogue[at])) at = (at + 1) % catalogue.length;
    return catalogue[at];
  }
}

function drawFrom({ items, sums }: Urn, random: SplitMix): number {
  const target = Math.floor(random.fraction() * sums[sums.length - 1]);
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > target) high = middle;
    else low = middle + 1;
  }
  return items[low];
}
