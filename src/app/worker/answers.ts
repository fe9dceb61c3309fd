// Answers of a model with the words of a reason, and filtered as the page asks.
import type { Model } from '../../model/model.ts';
import type { Recommender } from '../../recommend/recommender.ts';
import type { Answer, Query, Title } from './api.ts';
import type { Together } from './together.ts';

/** What an answer is made with; titles and counts are there where the data are. */
export interface Answering {
  titles: ReadonlyMap<string, Title>;
  together?: Together;
}

/** The k best for a query, each with the item of the history that adds most to its score. */
export function answer(recommender: Recommender, query: Query, { titles, together }: Answering): Answer {
  const { market, k, category, without } = query;
  const who = query.user === undefined ? { items: query.items ?? [] } : { user: query.user };
  const words = without?.trim().toLowerCase();
  const passes = (item: string) => {
    const facts = titles.get(item);
    if (category !== undefined && facts?.category !== category) return false;
    return !words || !(facts?.title ?? item).toLowerCase().includes(words);
  };
  const isFiltered = category !== undefined || Boolean(words);
  const only = isFiltered ? itemsOf(recommender.model, market).filter(passes) : undefined;
  const { items, fallback, unknownItems } = recommender.recommend({ market, ...who, k, explain: 1, only });
  return {
    items: items.map(({ item, score, because }) => {
      const first = because?.[0];
      if (!first || fallback) return { item, score };
      const counts = together?.count(market, first.item, item);
      // never seen together by these data: then they tell nothing of the reason
      const known = counts && counts.here + counts.elsewhere > 0;
      return { item, score, reason: { item: first.item, ...(known && counts) } };
    }),
    fallback: fallback !== undefined,
    unknown: unknownItems,
    history: query.user === undefined ? (query.items ?? []) : historyOf(recommender.model, market, query.user),
  };
}

const marketOf = (model: Model, market: string) => model.markets.find(({ name }) => name === market)!;

/** Ids of a market's items, in the model's order. */
export function itemsOf(model: Model, market: string): string[] {
  return Array.from(marketOf(model, market).items, (item) => model.items[item]);
}

/** Ids of what a known customer has. */
export function historyOf(model: Model, market: string, user: string): string[] {
  const { users = [], seenItems, items } = marketOf(model, market);
  const index = users.indexOf(user);
  if (index < 0 || !seenItems) return [];
  const seen = seenItems.indices.subarray(seenItems.indptr[index], seenItems.indptr[index + 1]);
  return Array.from(seen, (position) => model.items[items[position]]);
}

/** The best sellers of a market. */
export function popularOf(model: Model, market: string, k: number): string[] {
  const { popularity, items } = marketOf(model, market);
  const order = [...popularity.keys()].sort((a, b) => popularity[b] - popularity[a] || a - b);
  return order.slice(0, k).map((position) => model.items[items[position]]);
}
