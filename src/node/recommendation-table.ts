// The table that answers for many users are written as.
import type { Recommendations } from '../recommend/query.ts';
import type { TableKind } from './table-kind.ts';

export const RECOMMENDATIONS: TableKind = {
  name: 'recommendations',
  columns: [
    { name: 'market', type: 'text' },
    { name: 'userId', type: 'text' },
    { name: 'rank', type: 'integer' },
    { name: 'itemId', type: 'text' },
    { name: 'score', type: 'score' },
    { name: 'fallback', type: 'text' },
  ],
};

/** Number of users whose answers are in memory at once. */
export const USERS_AT_ONCE = 4096;

/** Whom answers are for. */
export interface Subject {
  market: string;
  user: string;
}

/** The rows of some answers, column by column. */
export function recommendationRows(subjects: readonly Subject[], answers: readonly Recommendations[]) {
  const columns: [string[], string[], number[], string[], number[], (string | undefined)[]] = [[], [], [], [], [], []];
  for (const [i, { items, fallback }] of answers.entries()) {
    for (const [rank, { item, score }] of items.entries()) {
      columns[0].push(subjects[i].market);
      columns[1].push(subjects[i].user);
      columns[2].push(rank + 1);
      columns[3].push(item);
      columns[4].push(score);
      columns[5].push(fallback);
    }
  }
  return columns;
}
