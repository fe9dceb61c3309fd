// The contract of scorers. A scorer holds the arrays of a loaded model and computes scores from them. The recommender
// and its batches do the rest: ids, filters, the best k, threads and the fallback to popularity.

import type { Address } from '../engine/address.ts';
import type { Arena } from '../engine/memory.ts';
import type { Call, Kernels } from '../engine/types.ts';
import type { Model } from '../model/model.ts';
import type { Best, Wanted } from './top-k.ts';

/** The user or history that scores are computed for, in one market. */
export interface History {
  /** Positions of items, ascending, each once. */
  positions: Int32Array;
  /** Index of the user in the model, or −1. */
  user: number;
}

/**
 * What scores are computed from. Scorers add what they need to explain a score. Addresses in it are valid as long as
 * the scratch space is.
 */
export interface Evidence {
  /** Whether the model says anything about this history. If not, popularity replaces its scores. */
  informed: boolean;
}

/** Kernel calls, and how to read their results afterwards. */
export interface Pending<T> {
  calls: Call[];
  read(): T;
}

/** What a history item adds to a score. */
export interface Share {
  /** Position of the item in the market. */
  position: number;
  contribution: number;
}

/** The terms of a score. `because`, `own` and `bias` sum to it, within the rounding of f32. */
export interface Explanation {
  /** Largest first. */
  because: Share[];
  /** The term of the user's offset, if the model has one. */
  own?: number;
  /** The term that does not depend on the user. */
  bias?: number;
}

/** Finds the best items of some histories without computing all scores; the same items and bits as by `score`. */
export type Search<E extends Evidence> = (
  histories: readonly History[],
  wanted: readonly Wanted[],
  scratch: Arena,
) => Pending<{ evidence: E[]; best: Best[] }>;

/**
 * A model in linear memory. Methods return calls, which the caller makes on any thread. A call writes only to the
 * scratch space that it was prepared with. A score depends on the market, the history and the item alone, never on the
 * other queries of a batch.
 */
export interface Scorer<E extends Evidence = Evidence> {
  /** Whether items alone are enough for an answer. If not, a query needs a user whom the model knows. */
  readonly foldsIn: boolean;
  /** Why items alone are not enough, as a sentence; there where they are not. */
  readonly refusal?: string;
  /**
   * Computes the scores of all n items of a market for each history.
   *
   * @param market its number in the model
   * @param histories at least one
   * @param out histories × n × f32, contents undefined
   */
  score(market: number, histories: readonly History[], out: Address, scratch: Arena): Pending<E[]>;
  /**
   * Computes the scores of some items only. Absent if that would save no time.
   * @param positions of items
   * @param out positions × f32, contents undefined
   */
  scoreItems?(market: number, history: History, positions: Int32Array, out: Address, scratch: Arena): Call[];
  /**
   * Prepares a market for the search of that number of users; undefined if there is no search, or if it would take
   * longer than scoring. Its arrays are in `scratch` and last as long.
   */
  search?(market: number, users: number, scratch: Arena): Search<E> | undefined;
  /**
   * Computes the similarity of all n items to one. Absent if this kind of model has no similarities.
   * @param out n × f32, contents undefined
   */
  similar?(market: number, item: number, out: Address, scratch: Arena): Call[];
  /**
   * The terms of a score, with the `most` largest contributions. Absent if this kind of model cannot tell.
   * @param evidence as `read` gave it, its scratch space not yet freed
   */
  explain?(market: number, history: History, evidence: E, item: number, most: number): Explanation;
  /**
   * The number of multiplications and additions that grow with the request: those for its history, and those for
   * explaining `explained` results. What every request to the market takes is not counted. Absent if there are none.
   */
  steps?(market: number, history: History, explained: number): number;
  /**
   * The multiplications that scoring all items for one user takes, where it takes a network for each item. Such models
   * are not served. Absent otherwise.
   */
  cost?(market: number): number;
  /** Frees its memory. */
  close(): void;
}

/** How models of a kind are served. */
export interface ScoredKind {
  /** As in `Model.kind`. */
  readonly name: string;
  /**
   * Puts a model of this kind into the memory of `kernels`.
   * @throws MemoryError if it does not fit; nothing stays allocated then.
   */
  scorer(model: Model, kernels: Kernels): Scorer;
}
