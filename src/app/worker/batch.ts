// The best items of a market's customers, a part of the file at a time, so that a page can write them as they come.
import { csvField } from '../../common/csv.ts';
import type { Recommender } from '../../recommend/recommender.ts';

const CUSTOMERS = 1000;

export interface BatchRequest {
  market: string;
  k: number;
  format: 'csv' | 'jsonl';
  /** The first customer of this part. */
  from: number;
}

/** `next` is the first customer of the next part, −1 after the last. */
export async function batchPart(
  recommender: Recommender,
  { market, k, format, from }: BatchRequest,
): Promise<{ text: string; lines: number; next: number }> {
  const { users = [] } = recommender.model.markets.find(({ name }) => name === market) ?? {};
  const some = users.slice(from, from + CUSTOMERS);
  const answers = await recommender.recommendAll(some.map((user) => ({ market, user, k })));
  const lines = answers.flatMap(({ items, fallback }, i) => {
    const user = some[i];
    if (format === 'jsonl')
      return [JSON.stringify({ user, items: items.map(({ item }) => item), ...(fallback && { fallback }) })];
    return items.map(({ item, score }, rank) => [csvField(user), rank + 1, csvField(item), score].join(','));
  });
  const header = from === 0 && format === 'csv' ? ['user,rank,item,score'] : [];
  const next = from + some.length < users.length ? from + some.length : -1;
  return { text: `${[...header, ...lines].join('\n')}\n`, lines: lines.length, next };
}
