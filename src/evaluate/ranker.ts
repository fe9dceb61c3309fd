import { ArgumentError } from '../common/errors.ts';
import { xxHash32 } from '../common/xxhash.ts';
import type { HeldOut, Market, Markets } from '../data/markets.ts';
import type { MarketModel, Model } from '../model/model.ts';
import type { Recommender } from '../recommend/recommender.ts';
import type { RankedRows } from './held-out.ts';
import type { Protocol } from './protocols.ts';

/** How an evaluation draws. */
export interface Drawing {
  protocol: Protocol;
  negatives: number | 'all';
  seed: number;
  /** Whether customers buy again: what a user has is then a candidate too. */
  repeat: boolean;
}

const NONE = new Int32Array(0);

/**
 * Ranks held-out items of one market. Its pool is the market's items, those of its training rows and of all its
 * held-out files, sorted by id, so draws do not depend on the model.
 */
export class Ranker {
  private readonly pool: string[];
  private readonly poolIndex: Map<string, number>;
  /** Per item of the pool: its position in the model's market, or −1. */
  private readonly positions: Int32Array;
  /** Per item position of the data's market: its place in the pool. */
  private readonly places: Int32Array;
  private readonly userIndex: Map<string, number>;
  /** Places of each user's held-out items. */
  private readonly relevant: Int32Array[];
  private readonly stage: number;
  private scored?: { user: string; scores: Float32Array };

  constructor(
    private readonly recommender: Recommender,
    model: Model,
    known: MarketModel,
    markets: Markets,
    private readonly market: Market,
    private readonly drawing: Drawing,
    { rows, users, userCount }: RankedRows,
  ) {
    const ids = Array.from(market.items, (item) => markets.items[item]);
    const held = Object.values(market.heldOut).flatMap((file) => file.map(({ itemId }) => itemId));
    this.pool = [...new Set([...ids, ...held])].sort();
    this.poolIndex = new Map(this.pool.map((id, place) => [id, place]));
    this.places = Int32Array.from(ids, (id) => this.poolIndex.get(id)!);
    const modelPositions = new Map(Array.from(known.items, (item, position) => [model.items[item], position]));
    this.positions = Int32Array.from(this.pool, (id) => modelPositions.get(id) ?? -1);
    this.userIndex = new Map(known.users?.map((user, index) => [user, index]));
    const relevant: number[][] = Array.from({ length: userCount }, () => []);
    for (const [i, { itemId }] of rows.entries()) relevant[users[i]].push(this.poolIndex.get(itemId)!);
    this.relevant = relevant.map((places) => Int32Array.from(places));
    this.stage = xxHash32(new TextEncoder().encode(market.name));
  }

  /**
   * Rank of the held-out item, from 1, among the candidates and itself; half ranks where an even number of items ties.
   * @param user number of the row's user, as in the rows given before
   */
  rank(row: HeldOut, user: number): { rank: number; candidates: number } {
    const seen = this.seen(row.user);
    const target = this.poolIndex.get(row.itemId)!;
    const candidates = this.candidates(row, target, seen, this.relevant[user]);
    const at = this.scorer(row, seen, target, candidates);
    const own = at(target);
    let above = 0;
    let equal = 0;
    for (const place of candidates) {
      const score = at(place);
      if (score > own) above++;
      else if (score === own) equal++;
    }
    return { rank: 1 + above + equal / 2, candidates: candidates.length + 1 };
  }

  /** The user's training items, by place in the pool. */
  private seen(user: number): Int32Array {
    if (user < 0) return NONE;
    const { indptr, indices } = this.market.interactions;
    return indices.slice(indptr[user], indptr[user + 1]).map((position) => this.places[position]);
  }

  /** The score of each place that is ranked. */
  private scorer(row: HeldOut, seen: Int32Array, target: number, candidates: Int32Array): (place: number) => number {
    const { positions } = this;
    if (!this.recommender.scorer.scoreItems) {
      const scores = this.scores(row, seen);
      return (place) => (positions[place] < 0 ? -Infinity : scores[positions[place]]);
    }
    const places = [target, ...candidates].filter((place) => positions[place] >= 0);
    const scores = this.scores(
      row,
      seen,
      Int32Array.from(places, (place) => positions[place]),
    );
    const found = new Map(places.map((place, i) => [place, scores[i]]));
    return (place) => found.get(place) ?? -Infinity;
  }

  /** Rows of one user that follow each other are scored once, if all items are scored. */
  private scores(row: HeldOut, seen: Int32Array, only?: Int32Array): Float32Array {
    if (!only && this.scored?.user === row.userId) return this.scored.scores;
    const { recommender, market } = this;
    const user = row.user < 0 ? -1 : (this.userIndex.get(row.userId) ?? -1);
    // whom the model does not know it cannot score by a history either, if it does not fold in
    const places = user < 0 && !recommender.scorer.foldsIn ? NONE : seen;
    const history = places.map((place) => this.positions[place]).filter((position) => position >= 0);
    const scores = recommender.scores(market.name, history.sort(), user, only);
    if (!only) this.scored = { user: row.userId, scores };
    return scores;
  }

  private candidates(row: HeldOut, target: number, seen: Int32Array, relevant: Int32Array): Int32Array {
    const { protocol, repeat } = this.drawing;
    const places = protocol.candidates(
      { market: this.market.name, user: row.userId, target, seen: repeat ? NONE : seen, relevant },
      this.pool,
      (excluded) => this.draw(row.userId, excluded),
    );
    for (const place of places)
      if (!(place >= 0 && place < this.pool.length && place !== target))
        throw ArgumentError.because(
          'protocol',
          `candidates of ${JSON.stringify(protocol.name)} must be other places of the pool (0 to ${this.pool.length - 1}) than the held-out item's, ${target}; one is ${place}`,
        );
    return places;
  }

  private draw(user: string, excluded: readonly ArrayLike<number>[]): Int32Array {
    const { exports, memory } = this.recommender.kernels;
    const { negatives, seed } = this.drawing;
    const n = this.pool.length;
    const mark = memory.mark();
    try {
      const flags = memory.allocateZeroed(n);
      const out = memory.allocate(4 * n);
      const mask = memory.u8(flags, n);
      for (const places of excluded) for (let i = 0; i < places.length; i++) mask[places[i]] = 1;
      const index = xxHash32(new TextEncoder().encode(user));
      const most = negatives === 'all' ? n : negatives;
      const count = exports.sampleDistinct(out, n, flags, most, seed, this.stage, index);
      return memory.i32(out, count).slice();
    } finally {
      memory.release(mark);
    }
  }
}
