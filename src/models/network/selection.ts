// The rows by which a network's best epoch is chosen: held-out rows of every market, each ranked among 99 items that the
// user does not have, the same ones each time.
import { isTrainingRow, type Market, type Markets } from '../../data/markets.ts';
import type { Address } from '../../engine/address.ts';
import { STREAM } from '../../engine/streams.ts';
import type { Kernels } from '../../engine/types.ts';
import type { Samples } from './tape.ts';

const NEGATIVES = 99;
/** Ranks beyond count as 0, as in evaluations. */
const CUT = 10;

/** A held-out row by numbers, and what it is ranked among. */
interface Ranked {
  user: number;
  /** Positions in the market: the held-out item, then the others. */
  candidates: Int32Array;
}

export interface RankedMarket {
  market: number;
  rows: Ranked[];
}

/**
 * The rows of a held-out file that can be ranked: those of users with training rows, of items of the market, that are
 * no training rows.
 */
export function rowsToRank({ exports, memory }: Kernels, data: Markets, file: string, seed: number): RankedMarket[] {
  return data.markets.flatMap((market, m) => {
    const rows = (market.heldOut[file] ?? [])
      .filter((row) => row.user >= 0 && row.item >= 0 && !isTrainingRow(market, row))
      .map(({ user, item }) => ({ user, candidates: draw(market, m, user, item) }));
    return rows.length > 0 ? [{ market: m, rows }] : [];
  });

  function draw({ items, interactions }: Market, m: number, user: number, item: number): Int32Array {
    const mark = memory.mark();
    try {
      const { indptr, indices } = interactions;
      const excluded = memory.allocateZeroed(items.length);
      const flags = memory.u8(excluded, items.length);
      for (let e = indptr[user]; e < indptr[user + 1]; e++) flags[indices[e]] = 1;
      flags[item] = 1;
      const out = memory.allocate(4 * items.length);
      const stage = STREAM.networkSelection + m;
      const count = exports.sampleDistinct(out, items.length, excluded, NEGATIVES, seed, stage, user);
      return Int32Array.of(item, ...memory.i32(out, count));
    } finally {
      memory.release(mark);
    }
  }
}

/** The pairs of rows to rank in linear memory, and their scores, released with the caller's mark. */
export class Pairs {
  readonly samples: Samples[];
  readonly out: Address[];
  private readonly lengths: Int32Array[];

  constructor(
    private readonly kernels: Kernels,
    data: Pick<Markets, 'markets'>,
    ranked: readonly RankedMarket[],
  ) {
    const { memory } = kernels;
    const firstUsers: number[] = [];
    for (const [m, { users }] of data.markets.entries()) firstUsers[m + 1] = (firstUsers[m] ?? 0) + users.length;
    this.lengths = ranked.map(({ rows }) => Int32Array.from(rows, ({ candidates }) => candidates.length));
    this.samples = ranked.map(({ market, rows }) => {
      const first = firstUsers[market] ?? 0;
      const { items } = data.markets[market];
      const users = rows.flatMap(({ user, candidates }) => Array<number>(candidates.length).fill(first + user));
      return {
        rows: users.length,
        market,
        users: memory.put(Int32Array.from(users)),
        items: memory.put(Int32Array.from(rows.flatMap(({ candidates }) => [...candidates].map((at) => items[at])))),
      };
    });
    this.out = this.samples.map(({ rows }) => memory.allocate(4 * rows));
  }

  /** Mean reciprocal rank of the scores in `out`, each market counting alike. */
  meanReciprocalRank(): number {
    let sum = 0;
    for (const [i, { rows }] of this.samples.entries())
      sum += reciprocalRanks(this.kernels.memory.f32(this.out[i], rows), this.lengths[i]);
    return sum / this.samples.length;
  }
}

/** The mean of 1 / rank of the first of each run of scores; equal ones share their mean rank. */
export function reciprocalRanks(scores: Float32Array, lengths: Int32Array): number {
  let sum = 0;
  let at = 0;
  for (const length of lengths) {
    const own = scores[at];
    let above = 0;
    let equal = 0;
    for (let i = 1; i < length; i++) {
      if (scores[at + i] > own) above++;
      else if (scores[at + i] === own) equal++;
    }
    const rank = 1 + above + equal / 2;
    if (rank <= CUT) sum += 1 / rank;
    at += length;
  }
  return sum / lengths.length;
}
