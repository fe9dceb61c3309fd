// Queries and answers, and the check of a query against the markets of a model.

import { ArgumentError, checkInteger, checkObject, checkTexts, UnseenUserError } from '../common/errors.ts';
import type { KnownMarket, KnownMarkets } from './known-markets.ts';
import type { History, Scorer } from './scorer.ts';

/** Whom to recommend to: a user saved with the model, or anyone with these items as history. */
export type Subject = { market: string } & (
  | { user: string; items?: undefined }
  | { items: readonly string[]; user?: undefined }
);

/** Whom to recommend to, how many items, and which ones. */
export type RecommendQuery = Subject & {
  /** How many, at least 1. Default: 10. */
  k?: number;
  /** Whether items of the history may be recommended. Default: false. */
  includeSeen?: boolean;
  /** Recommends these items only. Ids that the market does not know are ignored. */
  only?: readonly string[];
  /** Never recommends these items. */
  without?: readonly string[];
  /** Adds to each result the contributions that its score consists of; a number keeps that many of the largest. */
  explain?: boolean | number;
};

/** What one item of the history adds to a score. */
export interface Contribution {
  item: string;
  contribution: number;
}

/** One recommended item. */
export interface Recommendation {
  item: string;
  score: number;
  /**
   * What each history item adds to the score, largest first: linearWeight · |x|^(−linearPower) · S_ij +
   * cosineWeight · (P_i · V_j) / (c ‖u‖). With `own` and `bias` it sums to the score, within the rounding of f32.
   */
  because?: Contribution[];
  /** What the user's offset adds: cosineWeight · (U_loc · V_j) / ‖u‖; only for a user who has one. */
  own?: number;
  /** The item's bias; only in a model with biases. */
  bias?: number;
  /**
   * Only for an item that nobody in this market has bought: the markets where somebody has bought it; empty if nobody
   * has anywhere.
   */
  boughtIn?: string[];
}

/** The answer to one query. */
export interface Recommendations {
  items: Recommendation[];
  /** Present if the history is empty or tells the model nothing: the scores are the popularity of the items. */
  fallback?: 'popularity';
  /** Items of the query that the market does not know, in the order of the query. */
  unknownItems: string[];
}

/** An item, and how many similar items to find. */
export interface SimilarQuery {
  market: string;
  item: string;
  /** How many, at least 1. Default: 10. */
  k?: number;
}

/** For whom to rank which items. */
export type RankQuery = Subject & { candidates: readonly string[] };

/** One candidate in order. */
export interface Ranked {
  item: string;
  /** LOWEST_SCORE for a candidate that the market does not know. */
  score: number;
  known: boolean;
}

/** The score of a candidate that the market does not know: the lowest finite f32, which text and JSON can hold. */
export const LOWEST_SCORE = -3.4028234663852886e38;

const DEFAULT_K = 10;

/** A history, and the items of the query that the market does not know. */
export type CheckedHistory = History & { unknownItems: string[] };

export interface CheckedQuery {
  market: KnownMarket;
  k: number;
  only?: readonly string[];
  without: readonly string[];
  /** The number of contributions to name; 0 for none, Infinity for all. */
  explain: number;
  history: CheckedHistory;
  includeSeen: boolean;
}

/**
 * @throws ArgumentError naming the argument: unknown market or user, neither or both of `user` and `items`, wrong k.
 */
export function checkQuery(markets: KnownMarkets, query: RecommendQuery, scorer: Scorer): CheckedQuery {
  const market = checkMarket(markets, query);
  return {
    market,
    k: checkK(query.k),
    only: query.only === undefined ? undefined : checkTexts('only', query.only),
    without: query.without === undefined ? [] : checkTexts('without', query.without),
    explain: checkExplain(query.explain),
    history: checkHistory(market, query, scorer),
    includeSeen: Boolean(query.includeSeen),
  };
}

export function checkK(k: unknown = DEFAULT_K): number {
  return checkInteger('k', k, 1, 0x7fffffff);
}

/** The market that a query names. @throws ArgumentError unless this is a query for a known market. */
export function checkMarket(markets: KnownMarkets, query: { market: string }): KnownMarket {
  return markets.named(checkObject('query', query).market);
}

/** @throws UnseenUserError for somebody whom the model has not learned, if its kind cannot answer from items alone. */
export function checkHistory(market: KnownMarket, { user, items }: Subject, scorer: Scorer): CheckedHistory {
  if ((user === undefined) === (items === undefined)) {
    throw new ArgumentError(
      'user, items',
      user === undefined ? undefined : 'both',
      'either a user or the items of a history',
    );
  }
  return items === undefined ? historyOfUser(market, user!, scorer) : historyOfItems(market, items, scorer);
}

function historyOfItems(market: KnownMarket, items: readonly string[], scorer: Scorer): CheckedHistory {
  // an empty history tells no model anything: popularity answers
  if (!scorer.foldsIn && checkTexts('items', items).length > 0) throw new UnseenUserError('items', scorer.refusal);
  const positions = new Set<number>();
  const unknownItems: string[] = [];
  for (const item of checkTexts('items', items)) {
    const position = market.itemIndex.get(item);
    if (position === undefined) unknownItems.push(item);
    else positions.add(position);
  }
  return { positions: Int32Array.from(positions).sort(), user: -1, unknownItems };
}

function historyOfUser(market: KnownMarket, user: string, scorer: Scorer): CheckedHistory {
  const { users, seenItems, name } = market.model;
  if (!users || !seenItems)
    throw ArgumentError.because('user', 'this model was saved without users: give items instead');
  const index = market.userIndex.get(user);
  if (index === undefined && !scorer.foldsIn) throw new UnseenUserError('user', scorer.refusal);
  if (index === undefined)
    throw new ArgumentError('user', user, `a user of market ${JSON.stringify(name)}, or items instead`);
  return {
    positions: seenItems.indices.slice(seenItems.indptr[index], seenItems.indptr[index + 1]),
    user: index,
    unknownItems: [],
  };
}

function checkExplain(explain: unknown): number {
  if (explain === undefined || explain === false) return 0;
  if (explain === true) return Infinity;
  return checkInteger('explain', explain, 1, 0x7fffffff);
}
