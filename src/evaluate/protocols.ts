import { ArgumentError, checkObject } from '../common/errors.ts';

/** One held-out row, as places in the pool: the items of the market, sorted by id. */
export interface PoolRow {
  /** The market's name. */
  market: string;
  user: string;
  /** The held-out item. */
  target: number;
  /** The user's training items; none where what was bought may be bought again. */
  seen: Int32Array;
  /** All held-out items of the user in this file, the target among them. */
  relevant: Int32Array;
}

/**
 * Draws `negatives` places of the pool without replacement, or all of them where there are no more, but none of the
 * excluded ones. The draw depends on the seed, the market's name, the user's id and what is excluded.
 */
export type Draw = (excluded: readonly ArrayLike<number>[]) => Int32Array;

/** Which items a held-out item is ranked against. */
export interface Protocol {
  readonly name: string;
  /** Places in the pool, each once and never the target's. @param pool ids by place */
  candidates(row: PoolRow, pool: readonly string[], draw: Draw): Int32Array;
}

/** None of the user's own items: neither training items nor other held-out items. */
export const clean: Protocol = {
  name: 'clean',
  candidates: ({ target, seen, relevant }, _pool, draw) => draw([[target], seen, relevant]),
};

/** Any item but the held-out one. */
export const asPublished: Protocol = {
  name: 'as-published',
  candidates: ({ target }, _pool, draw) => draw([[target]]),
};

/** Lists of items by market and user: what each held-out item of the user is ranked against. */
export type CandidateLists = Readonly<Record<string, ReadonlyMap<string, readonly string[]>>>;

/**
 * The candidates that lists give, as those of the WSDM Cup 2022 do (`t1/valid_run.tsv`): each held-out item is ranked
 * among the items of its user's list. An item that is there twice counts once, and so does the held-out item itself.
 * Items that the market's data does not have are no candidates: no model could rank them.
 *
 * Held-out rows of a market without lists, or of a user without one, are refused when they are ranked.
 *
 * @throws ArgumentError for what are no lists.
 * @example
 * const protocol = candidateLists({ de: new Map([['u1', ['hat', 'shoe']]]) });
 * protocol.name; // → 'lists'
 */
export function candidateLists(lists: CandidateLists, name = 'lists'): Protocol {
  for (const [market, users] of Object.entries(checkObject('lists', lists)))
    if (!(users instanceof Map)) throw new ArgumentError(`lists.${market}`, users, 'a Map of ids by user');
  let pooled: readonly string[] | undefined;
  let places = new Map<string, number>();
  return {
    name,
    candidates: ({ market, user, target }, pool) => {
      if (pooled !== pool) {
        pooled = pool;
        places = new Map(pool.map((id, place) => [id, place]));
      }
      const list = Object.hasOwn(lists, market) ? lists[market].get(user) : undefined;
      if (!list)
        throw ArgumentError.because(
          'candidates',
          `there is no list for user ${JSON.stringify(user)} of market ${market}; every held-out row needs one`,
        );
      const found = new Set<number>();
      for (const id of list) {
        const place = places.get(id);
        if (place !== undefined && place !== target) found.add(place);
      }
      return Int32Array.from(found).sort();
    },
  };
}

/** The protocols that have a name. */
export const PROTOCOLS: readonly Protocol[] = [clean, asPublished];
