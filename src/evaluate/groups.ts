import type { HeldOut, Market, Markets } from '../data/markets.ts';

/** A way to part the held-out rows of a market, whatever the model. */
export type GroupingName = 'shared' | 'popularity' | 'history';

export interface Grouping {
  readonly name: GroupingName;
  /** Names of the groups, in order. */
  readonly groups: readonly string[];
  /** The number of a row's group. */
  of(row: HeldOut): number;
}

export const GROUPINGS: readonly GroupingName[] = ['shared', 'popularity', 'history'];

/** The most popular items that are the head: this share of the market's items. */
const HEAD = 0.2;
/** Least training rows of a user in each group of histories, from the second on. */
const HISTORIES = [1, 5, 10, 20];

/**
 * The groupings of a market's held-out rows: `shared`, whether the training rows of another market of the data have the
 * item; `popularity`, whether the item is among the fifth of the market's items with the most training rows (head),
 * among the others (tail), or in none (cold); `history`, how many training items the user has. With one market in the
 * data there is no `shared`.
 */
export function groupingsOf(markets: Markets, market: Market): Grouping[] {
  const { indptr } = market.interactions;
  const counts = rowsOfItems(market);
  const isHead = headOf(counts);
  const groupings: Grouping[] = [
    {
      name: 'popularity',
      groups: ['head', 'tail', 'cold'],
      of: ({ item }) => (item < 0 || counts[item] === 0 ? 2 : isHead[item] === 1 ? 0 : 1),
    },
    {
      name: 'history',
      groups: [
        '0',
        ...HISTORIES.map((from, i) => (i + 1 < HISTORIES.length ? `${from}-${HISTORIES[i + 1] - 1}` : `${from}+`)),
      ],
      of: ({ user }) => {
        const length = user < 0 ? 0 : indptr[user + 1] - indptr[user];
        return HISTORIES.filter((from) => length >= from).length;
      },
    },
  ];
  if (markets.markets.length < 2) return groupings;
  const elsewhere = new Set<string>();
  for (const other of markets.markets) {
    if (other === market) continue;
    for (const [position, count] of rowsOfItems(other).entries())
      if (count > 0) elsewhere.add(markets.items[other.items[position]]);
  }
  return [
    { name: 'shared', groups: ['shared', 'own'], of: ({ itemId }) => (elsewhere.has(itemId) ? 0 : 1) },
    ...groupings,
  ];
}

/** Training rows of each item. */
function rowsOfItems({ items, interactions }: Market): Float64Array {
  const counts = new Float64Array(items.length);
  for (const item of interactions.indices) counts[item]++;
  return counts;
}

/** 1 for the items of the head; of equally popular ones those of lower position. */
function headOf(counts: Float64Array): Uint8Array {
  const bought = [...counts.keys()].filter((item) => counts[item] > 0);
  const order = bought.sort((a, b) => counts[b] - counts[a] || a - b);
  const head = new Uint8Array(counts.length);
  for (const item of order.slice(0, Math.ceil(HEAD * order.length))) head[item] = 1;
  return head;
}
