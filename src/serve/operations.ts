// What a market can be asked: how each operation is called, what it answers, and both described.

import { ArgumentError } from '../common/errors.ts';
import type { Recommender } from '../models/load.ts';
import type { RecommendQuery, Subject } from '../recommend/query.ts';
import { HttpError, quote, shorten } from './errors.ts';
import type { ServeLimits } from './limits.ts';
import { array, described, NUMBER, object, type Schema, TEXT } from './schema.ts';

/** k where a query names none. */
const DEFAULT_K = 10;

/** What a field of a query holds; `history` and `ids` are lists of ids. */
export type Value = 'id' | 'history' | 'ids' | 'count' | 'flag' | 'explain';

export interface QueryField {
  value: Value;
  description: string;
}

export type Query = Record<string, unknown>;

/** One of the things to ask a market, at /v1/{market}/{name}. */
export interface Operation {
  summary: string;
  /** Methods: GET with HEAD, and POST. */
  get: boolean;
  post: boolean;
  fields: Readonly<Record<string, QueryField>>;
  required: readonly string[];
  /** Whether it is about a user: exactly one of `user` and `items` is needed. */
  subject: boolean;
  /** What the answer is called, and its schema. */
  answer: string;
  schema(): Schema;
  /** How much of `ServeLimits.steps` a checked query takes; absent: none. `prefix` names its place in a batch. */
  steps?(recommender: Recommender, market: string, query: Query, prefix: string, limits: ServeLimits): number;
  /** Answers a checked query. */
  run(recommender: Recommender, market: string, query: Query, prefix: string, limits: ServeLimits): unknown;
}

const items: QueryField = {
  value: 'history',
  description: 'The history: ids of items, any number of them; those that the market does not know are passed over.',
};
const user: QueryField = { value: 'id', description: 'A user whom the model was saved with.' };
const k: QueryField = { value: 'count', description: 'How many.' };

const recommend: Operation = {
  summary: 'The best items for a user of the model, or for anyone with these items as history.',
  get: true,
  post: true,
  fields: {
    items,
    user,
    k,
    only: { value: 'ids', description: 'Recommend these items only.' },
    without: { value: 'ids', description: 'Never recommend these items.' },
    includeSeen: { value: 'flag', description: 'Whether items of the history may be recommended.' },
    explain: {
      value: 'explain',
      description:
        'Name the history items that contribute most to each result: so many of them, or as many as the limit allows.',
    },
  },
  required: [],
  subject: true,
  answer: 'Recommendations',
  schema: () =>
    object(
      {
        items: array(
          object(
            {
              item: TEXT,
              score: NUMBER,
              boughtIn: described(
                array(TEXT),
                'Present where nobody in the market has bought the item: the markets where somebody has; empty for none.',
              ),
              because: described(
                array(object({ item: TEXT, contribution: NUMBER })),
                'With explain: what each history item adds to the score, largest first.',
              ),
              own: described(NUMBER, "With explain: what a known user's own offset adds."),
              bias: described(NUMBER, "With explain: the item's bias."),
            },
            ['item', 'score'],
          ),
        ),
        fallback: described(
          { const: 'popularity' },
          'Present where the history is empty or tells the model nothing: the scores are the popularity of the items.',
        ),
        unknownItems: described(array(TEXT), 'Items of the history that the market does not know.'),
      },
      ['items', 'unknownItems'],
    ),
  steps: (recommender, market, query, prefix, limits) =>
    stepsOf(recommender, recommendQuery(market, query, prefix, limits)),
  run: (recommender, market, query, prefix, limits) =>
    recommender.recommend(recommendQuery(market, query, prefix, limits)),
};

function recommendQuery(
  market: string,
  { explain, ...query }: Query,
  prefix: string,
  limits: ServeLimits,
): RecommendQuery {
  const most = explain ? Math.min(limits.k, limits.explainedK) : limits.k;
  const k = (query.k as number | undefined) ?? Math.min(DEFAULT_K, most);
  if (k > most) throw new ArgumentError(`${prefix}k`, k, `at most ${most} with explain`);
  return { ...query, market, k, explain: explain === true ? limits.reasons : explain } as RecommendQuery;
}

/** A recommender of an older copy of this library does not say. */
function stepsOf(recommender: Recommender, query: RecommendQuery): number {
  return recommender.steps?.(query) ?? 0;
}

const similar: Operation = {
  summary: 'The items most like an item.',
  get: true,
  post: false,
  fields: { item: { value: 'id', description: 'The item.' }, k },
  required: ['item'],
  subject: false,
  answer: 'SimilarItems',
  schema: () => object({ items: array(object({ item: TEXT, score: NUMBER })) }),
  run(recommender, market, { item, k }, _prefix, limits) {
    if (!recommender.hasItem(market, item as string))
      throw new HttpError(
        404,
        'unknown_item',
        `market ${quote(market)} has no item ${quote(shorten(item as string))}`,
        'item',
      );
    return {
      items: recommender.similar({
        market,
        item: item as string,
        k: (k as number | undefined) ?? Math.min(DEFAULT_K, limits.k),
      }),
    };
  },
};

const rank: Operation = {
  summary: 'Candidates in order, best first; those that the market does not know come last.',
  get: false,
  post: true,
  fields: {
    items,
    user,
    candidates: { value: 'ids', description: 'The items to put in order.' },
    top: { value: 'count', description: 'Only the best so many.' },
  },
  required: ['candidates'],
  subject: true,
  answer: 'Ranking',
  schema: () =>
    object({
      items: array(
        object({
          item: TEXT,
          score: NUMBER,
          known: described(
            { type: 'boolean' },
            'Whether the market knows the item; the score of one that it does not is -3.4028234663852886e38.',
          ),
        }),
      ),
    }),
  steps: (recommender, market, { user, items }) => stepsOf(recommender, { market, user, items } as RecommendQuery),
  run(recommender, market, { candidates, top, ...subject }) {
    return {
      items: recommender
        .rank({ ...(subject as Subject), market, candidates: candidates as string[] })
        .slice(0, top as number | undefined),
    };
  },
};

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ['recommend', recommend],
  ['similar', similar],
  ['rank', rank],
]);
