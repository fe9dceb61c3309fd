// The operations of a market: the fields of their queries, their answers, and the description of both.

import { ArgumentError } from '../common/errors.ts';
import { checkProperties, itemDataOf } from '../models/item-data.ts';
import type { Recommender } from '../models/recommender.ts';
import type { RecommendQuery, Subject } from '../recommend/query.ts';
import { HttpError, quote, shorten } from './errors.ts';
import type { ServeLimits } from './limits.ts';
import { array, described, NUMBER, object, type Schema, TEXT } from './schema.ts';

/** Default k. */
const DEFAULT_K = 10;

/** The kind of value in a field; `history` and `ids` are lists of ids. */
export type Value = 'id' | 'history' | 'ids' | 'count' | 'flag' | 'explain';

export interface QueryField {
  value: Value;
  description: string;
}

export type Query = Record<string, unknown>;

/** An operation of a market, at /v1/{market}/{name}. */
export interface Operation {
  summary: string;
  /** Methods: GET with HEAD, and POST. */
  get: boolean;
  post: boolean;
  fields: Readonly<Record<string, QueryField>>;
  required: readonly string[];
  /** Whether it is about a user, so that a query needs exactly one of `user` and `items`. */
  subject: boolean;
  /** The name of the answer's schema. */
  answer: string;
  schema(): Schema;
  /** The steps (`ServeLimits.steps`) of a checked query; if absent, none. `prefix` names its place in a batch. */
  steps?(recommender: Recommender, market: string, query: Query, prefix: string, limits: ServeLimits): number;
  /** Answers a checked query. */
  run(recommender: Recommender, market: string, query: Query, prefix: string, limits: ServeLimits): unknown;
}

const items: QueryField = {
  value: 'history',
  description: 'The history: ids of items. Ids that the market does not know are ignored.',
};
const user: QueryField = { value: 'id', description: 'A user saved with the model.' };
const properties: QueryField = {
  value: 'ids',
  description: 'What to say of each item, as title,url: properties that the model has of its items.',
};
const ITEM_PROPERTIES = described(
  { type: 'object', additionalProperties: TEXT },
  'With properties: those of the item that the model has.',
);
const k: QueryField = { value: 'count', description: 'The number of items in the answer.' };

const recommend: Operation = {
  summary: 'The best items for a user of the model, or for anyone with these items as history.',
  get: true,
  post: true,
  fields: {
    items,
    user,
    k,
    properties,
    only: { value: 'ids', description: 'Recommend these items only.' },
    without: { value: 'ids', description: 'Never recommend these items.' },
    includeSeen: { value: 'flag', description: 'Whether items of the history may be recommended.' },
    explain: {
      value: 'explain',
      description:
        'Name the history items that contribute most to each result: that number of them, or with true as many as the limit allows.',
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
              properties: ITEM_PROPERTIES,
              boughtIn: described(
                array(TEXT),
                'Present where nobody in the market has bought the item: the markets where somebody has; empty for none.',
              ),
              because: described(
                array(object({ item: TEXT, contribution: NUMBER })),
                'With explain: what each history item adds to the score, largest first.',
              ),
              own: described(NUMBER, "With explain: what the known user's offset adds."),
              bias: described(NUMBER, "With explain: the item's bias."),
            },
            ['item', 'score'],
          ),
        ),
        fallback: described(
          { const: 'popularity' },
          'Present if the history is empty or tells the model nothing: the scores are the popularity of the items.',
        ),
        unknownItems: described(array(TEXT), 'Items of the history that the market does not know.'),
      },
      ['items', 'unknownItems'],
    ),
  steps: (recommender, market, query, prefix, limits) =>
    stepsOf(recommender, recommendQuery(market, query, prefix, limits)),
  run(recommender, market, query, prefix, limits) {
    const result = recommender.recommend(recommendQuery(market, query, prefix, limits));
    return { ...result, items: describeItems(recommender, result.items, query.properties, prefix) };
  },
};

function recommendQuery(
  market: string,
  { explain, properties: _, ...query }: Query,
  prefix: string,
  limits: ServeLimits,
): RecommendQuery {
  const most = explain ? Math.min(limits.k, limits.explainedK) : limits.k;
  const k = (query.k as number | undefined) ?? Math.min(DEFAULT_K, most);
  if (k > most) throw new ArgumentError(`${prefix}k`, k, `at most ${most} with explain`);
  return { ...query, market, k, explain: explain === true ? limits.reasons : explain } as RecommendQuery;
}

/** Items with the properties that a query asks for. @throws ArgumentError for one that the model does not have. */
function describeItems<T extends { item: string }>(
  recommender: Recommender,
  found: readonly T[],
  names: unknown,
  prefix: string,
): readonly T[] {
  if (names === undefined) return found;
  const { model } = recommender;
  const wanted = checkProperties(model.itemData, names as string[], `${prefix}properties`);
  return found.map((each) => {
    const properties = itemDataOf(model, each.item, wanted);
    return properties ? { ...each, properties } : each;
  });
}

/** A recommender of an older copy of this library has no `steps`. */
function stepsOf(recommender: Recommender, query: RecommendQuery): number {
  return recommender.steps?.(query) ?? 0;
}

const similar: Operation = {
  summary: 'The items most like an item.',
  get: true,
  post: false,
  fields: { item: { value: 'id', description: 'The item.' }, k, properties },
  required: ['item'],
  subject: false,
  answer: 'SimilarItems',
  schema: () =>
    object({ items: array(object({ item: TEXT, score: NUMBER, properties: ITEM_PROPERTIES }, ['item', 'score'])) }),
  run(recommender, market, { item, k, properties }, prefix, limits) {
    if (!recommender.hasItem(market, item as string))
      throw new HttpError(
        404,
        'unknown_item',
        `market ${quote(market)} has no item ${quote(shorten(item as string))}`,
        'item',
      );
    const found = recommender.similar({
      market,
      item: item as string,
      k: (k as number | undefined) ?? Math.min(DEFAULT_K, limits.k),
    });
    return { items: describeItems(recommender, found, properties, prefix) };
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
    top: { value: 'count', description: 'The number of best candidates to answer. Default: all.' },
    properties,
  },
  required: ['candidates'],
  subject: true,
  answer: 'Ranking',
  schema: () =>
    object({
      items: array(
        object(
          {
            item: TEXT,
            score: NUMBER,
            known: described(
              { type: 'boolean' },
              'Whether the market knows the item. An unknown item has the score -3.4028234663852886e38.',
            ),
            properties: ITEM_PROPERTIES,
          },
          ['item', 'score', 'known'],
        ),
      ),
    }),
  steps: (recommender, market, { user, items }) => stepsOf(recommender, { market, user, items } as RecommendQuery),
  run(recommender, market, { candidates, top, properties, ...subject }, prefix) {
    const ranked = recommender.rank({ ...(subject as Subject), market, candidates: candidates as string[] });
    return { items: describeItems(recommender, ranked.slice(0, top as number | undefined), properties, prefix) };
  },
};

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ['recommend', recommend],
  ['similar', similar],
  ['rank', rank],
]);
