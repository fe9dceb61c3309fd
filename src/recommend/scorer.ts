// The contract between a loaded model and those who ask it: what a kind of scorer must answer. Recommender and batch
// keep ids, filters, the best k, threads and the fallback to popularity; a scorer keeps the model's arrays and knows
// how they become scores.

import type { Address } from '../engine/address.ts';
import type { Arena } from '../engine/memory.ts';
import type { Call, Kernels } from '../engine/types.ts';
import type { Model } from '../model/model.ts';
import type { Best, Wanted } from './top-k.ts';

/** Whom scores are made for, in one market. */
export interface History {
  /** Positions of items, ascending, each once. */
  positions: Int32Array;
  /** Index of the user in the model, or −1. */
  user: number;
}

/**
 * What scores rest on. Scorers add what they need to explain a score; addresses in it hold as long as the scratch space
 * does.
 */
export interface Evidence {
  /** Whether the model says anything about this history. If not, its scores mean nothing, and popularity stands in. */
  informed: boolean;
}

/** Kernel calls, and what they found once they were made. */
export interface Pending<T> {
  calls: Call[];
  read(): T;
}

/** What a history item adds to a score. */
export interface Share {
  /** Of the item in the market. */
  position: number;
  contribution: number;
}

/** What a score is made of. `because`, `own` and `bias` sum to the score, within the rounding of f32. */
export interface Explanation {
  /** Largest first. */
  because: Share[];
  /** What is known of the user beside the history. */
  own?: number;
  /** What does not depend on the user. */
  bias?: number;
}

/** Finds the best items of some histories without making all scores: to the bit those that `score` gives. */
export type Search<E extends Evidence> = (
  histories: readonly History[],
  wanted: readonly Wanted[],
  scratch: Arena,
) => Pending<{ evidence: E[]; best: Best[] }>;

/**
 * A model in linear memory. Methods return calls that somebody else makes, on whichever thread; a call writes only to
 * the scratch space that it was prepared with. A score depends on the market, the history and the item alone, never on
 * what else is asked with it.
 */
export interface Scorer<E extends Evidence = Evidence> {
  /** Whether anyone can be answered from items alone; without it a query needs a user whom the model knows. */
  readonly foldsIn: boolean;
  /**
   * Makes the scores of all n items of a market for each history.
   *
   * @param market its number in the model
   * @param histories at least one
   * @param out histories × n × f32, contents undefined
   */
  score(market: number, histories: readonly History[], out: Address, scratch: Arena): Pending<E[]>;
  /**
   * Gets a market ready for the search of that number of users; undefined if it has none, or if it would take longer
   * than scoring. What it needs is put to `scratch` and lasts as long.
   */
  search?(market: number, users: number, scratch: Arena): Search<E> | undefined;
  /**
   * Makes the likeness of all n items to one. Absent: this kind of model has no such thing.
   * @param out n × f32, contents undefined
   */
  similar?(market: number, item: number, out: Address, scratch: Arena): Call[];
  /**
   * What a score is made of, with the `most` largest contributions. Absent: this kind of model cannot tell.
   * @param evidence as `read` gave it, its scratch space not yet freed
   */
  explain?(market: number, history: History, evidence: E, item: number, most: number): Explanation;
  /**
   * How many multiplications or additions grow with the request: those of its history, and those of explaining so many
   * results. Those of every request to the market are not counted. Absent: there are none.
   */
  steps?(market: number, history: History, explained: number): number;
  /** Gives the memory back. */
  close(): void;
}

/** How models of a kind are served. */
export interface ScoredKind {
  /** As in `Model.kind`. */
  readonly name: string;
  /**
   * Puts a model of this kind into the memory of `kernels`.
   * @throws MemoryError if it does not fit; nothing stays behind then.
   */
  scorer(model: Model, kernels: Kernels): Scorer;
}
