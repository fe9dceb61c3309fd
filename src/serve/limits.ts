import { ArgumentError, checkInteger, checkObject } from '../common/errors.ts';

/** The most that one request may ask for. */
export interface ServeLimits {
  /** Bytes of a body; 1 MiB. The rest is not read. */
  bodyBytes: number;
  /** Characters of a URL; 16,384. */
  urlLength: number;
  /** Ids of a history (`items`); 10,000. */
  history: number;
  /** Ids of `only`, `without` or `candidates`; 10,000. */
  ids: number;
  /** UTF-16 code units of an id; 1,024, the most that the data readers take. */
  idLength: number;
  /** k, and `top` of a ranking; 1,000. */
  k: number;
  /** k of a query with `explain`; 100. */
  explainedK: number;
  /** Contributions that `explain` names for each result at most; `explain=true` asks for this many; 20. */
  reasons: number;
  /** Queries of a batch; 100. */
  batch: number;
  /**
   * Multiplications and additions that grow with the request (`Recommender.steps`), summed over a batch; 20,000,000. A
   * history item counts the items that it is similar to and the length of its vector; with `explain`, that length again
   * for each result.
   */
  steps: number;
  /** Of them, those of one query, which nothing interrupts; 5,000,000. */
  querySteps: number;
}

/** The default limits of `createHandler`. */
export const DEFAULT_LIMITS: Readonly<ServeLimits> = {
  bodyBytes: 1_048_576,
  urlLength: 16_384,
  history: 10_000,
  ids: 10_000,
  idLength: 1024,
  k: 1000,
  explainedK: 100,
  reasons: 20,
  batch: 100,
  steps: 20_000_000,
  querySteps: 5_000_000,
};

/** The given limits, with defaults for the rest. @throws ArgumentError for an unknown name or a value out of range. */
export function checkLimits(given: Partial<ServeLimits> = {}): ServeLimits {
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(checkObject('limits', given))) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name))
      throw new ArgumentError(`limits.${name}`, value, `only ${Object.keys(DEFAULT_LIMITS).join(', ')}`);
    if (value !== undefined) limits[name as keyof ServeLimits] = checkInteger(`limits.${name}`, value, 1, 0x7fffffff);
  }
  return limits;
}
