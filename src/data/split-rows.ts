// Which split each interaction of a market goes to.
import { xxHash32 } from '../common/xxhash.ts';
import type { Market } from './markets.ts';

/** What `splitMarkets` was asked for, checked. */
export interface Rule {
  method: 'last' | 'leave-one-out' | 'before' | 'ratio';
  seed: number;
  /** Whether there are `test` rows. */
  test: boolean;
  /** Of `before`, in milliseconds since 1970; the second is infinite without `test`. */
  validFrom: number;
  testFrom: number;
  /** Of `ratio`; the second is 0 without `test`. */
  validShare: number;
  testShare: number;
  keepCold: boolean;
}

/** Users between two reports of progress. */
const TICK_USERS = 4096;

/** Where an interaction goes. */
export const LEFT_OUT = 0;
export const TRAIN = 1;
export const VALID = 2;
export const TEST = 3;

/** What was met on the way; see `MarketSplit`. */
export interface SplitFacts {
  shortUsers: number;
  tiedUsers: number;
  returned: number;
  coldUserRows: number;
  coldItemRows: number;
  laterRows?: number;
}

/**
 * (entries of X_m) the split of each interaction that is `kept`. A user's rows are taken in the order of their times,
 * the latest first, or by a hash of seed, market, user and item, the smallest first; the hash decides between equal
 * times.
 * @param items ids of all items
 * @param tick is told how many users are done
 */
export async function assign(
  market: Market,
  kept: Uint8Array,
  items: readonly string[],
  rule: Rule,
  tick: (users: number) => Promise<void>,
): Promise<{ splits: Uint8Array; facts: SplitFacts }> {
  const { indptr, indices } = market.interactions;
  const times = market.times;
  const splits = kept.slice();
  const facts: SplitFacts = { shortUsers: 0, tiedUsers: 0, returned: 0, coldUserRows: 0, coldItemRows: 0 };
  const hashes = new EntryHashes(market, items, rule.seed);
  for (let user = 0; user < market.users.length; user++) {
    if (user % TICK_USERS === 0) await tick(user);
    const own: number[] = [];
    for (let entry = indptr[user]; entry < indptr[user + 1]; entry++) if (kept[entry] === 1) own.push(entry);
    if (own.length === 0) continue;
    if (rule.method === 'before') {
      for (const entry of own)
        if (times![entry] >= rule.validFrom) splits[entry] = times![entry] >= rule.testFrom ? TEST : VALID;
      continue;
    }
    const hash = new Map(own.map((entry) => [entry, hashes.of(user, indices[entry])]));
    own.sort((a, b) => hash.get(a)! - hash.get(b)! || a - b);
    if (rule.method === 'ratio') {
      for (const entry of own) {
        const draw = hash.get(entry)! / 2 ** 32;
        if (draw < rule.validShare) splits[entry] = VALID;
        else if (draw < rule.validShare + rule.testShare) splits[entry] = TEST;
      }
      const last = own[own.length - 1];
      if (splits[last] !== TRAIN) facts.returned++;
      splits[last] = TRAIN;
      continue;
    }
    const count = rule.test ? 2 : 1;
    if (own.length <= count) {
      facts.shortUsers++;
      continue;
    }
    if (rule.method === 'last') {
      // A stable sort: the order by hash stays among equal times.
      own.sort((a, b) => times![b] - times![a]);
      if (own.slice(0, count).some((entry, i) => times![entry] === times![own[i + 1]])) facts.tiedUsers++;
      if (rule.test) splits[own[0]] = TEST;
      splits[own[count - 1]] = VALID;
    } else {
      splits[own[0]] = VALID;
      if (rule.test) splits[own[1]] = TEST;
    }
  }
  if (!rule.keepCold) takeBackCold(market, splits, rule, facts);
  if (times) facts.laterRows = laterRows(times, splits);
  return { splits, facts };
}

/** Rows whose item or user has no training row: back to training, or, where the rule is a time, out. */
function takeBackCold(market: Market, splits: Uint8Array, rule: Rule, facts: SplitFacts): void {
  const { rows, cols, indptr, indices } = market.interactions;
  const userHas = new Uint8Array(rows);
  const itemHas = new Uint8Array(cols);
  const each = (visit: (entry: number, user: number) => void) => {
    for (let user = 0; user < rows; user++)
      for (let entry = indptr[user]; entry < indptr[user + 1]; entry++) visit(entry, user);
  };
  each((entry, user) => {
    if (splits[entry] !== TRAIN) return;
    userHas[user] = 1;
    itemHas[indices[entry]] = 1;
  });
  each((entry, user) => {
    if (splits[entry] <= TRAIN || (userHas[user] === 1 && itemHas[indices[entry]] === 1)) return;
    if (rule.method !== 'before') {
      splits[entry] = TRAIN;
      facts.returned++;
      return;
    }
    splits[entry] = LEFT_OUT;
    if (userHas[user] === 0) facts.coldUserRows++;
    else facts.coldItemRows++;
  });
}

function laterRows(times: Float64Array, splits: Uint8Array): number {
  let first = Number.POSITIVE_INFINITY;
  for (let entry = 0; entry < splits.length; entry++)
    if (splits[entry] > TRAIN && times[entry] < first) first = times[entry];
  let count = 0;
  for (let entry = 0; entry < splits.length; entry++) if (splits[entry] === TRAIN && times[entry] > first) count++;
  return count;
}

/** xxHash32 of the hashes of `market, user` and of `item`, all with the seed. */
class EntryHashes {
  private readonly encoder = new TextEncoder();
  private readonly ofItem: Float64Array;
  private readonly pair = new Uint8Array(8);
  private readonly words = new DataView(this.pair.buffer);
  private user = -1;

  constructor(
    private readonly market: Market,
    private readonly items: readonly string[],
    private readonly seed: number,
  ) {
    this.ofItem = new Float64Array(market.items.length).fill(-1);
  }

  of(user: number, item: number): number {
    const { market, ofItem, words } = this;
    if (user !== this.user) {
      this.user = user;
      words.setUint32(0, this.hash(`${market.name}\0${market.users[user]}`), true);
    }
    if (ofItem[item] < 0) ofItem[item] = this.hash(this.items[market.items[item]]);
    words.setUint32(4, ofItem[item], true);
    return xxHash32(this.pair, this.seed);
  }

  private hash(text: string): number {
    return xxHash32(this.encoder.encode(text), this.seed);
  }
}
