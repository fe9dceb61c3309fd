/** One held-out row, as places in the pool: the items of the market, sorted by id. */
export interface PoolRow {
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

/** The protocols that have a name. */
export const PROTOCOLS: readonly Protocol[] = [clean, asPublished];
