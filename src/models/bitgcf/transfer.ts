// The graph of Bi-TGCF (Liu et al., 2020) for markets that share items instead of domains that share users: each market
// has a row of its own for each of its items, and after each step over its own graph the rows of an item are mixed.
import type { Markets } from '../../data/markets.ts';
import type { SparseMatrix, SparsePattern } from '../../matrix/sparse.ts';
import { countUsers } from '../interactions.ts';

/** The rows of items, market by market: where those of each market start, and their number in the end. */
export function startsOf({ markets }: Pick<Markets, 'markets'>): number[] {
  const starts = [0];
  for (const { items } of markets) starts.push(starts.at(-1)! + items.length);
  return starts;
}

/** X (users × rows of items): the markets are blocks on its diagonal. */
export function blocksOf(data: Pick<Markets, 'markets'>): SparsePattern {
  const starts = startsOf(data);
  const indptr = [0];
  const indices: number[] = [];
  for (const [m, { interactions }] of data.markets.entries()) {
    const filled = indices.length;
    for (let user = 1; user <= interactions.rows; user++) indptr.push(filled + interactions.indptr[user]);
    for (const item of interactions.indices) indices.push(starts[m] + item);
  }
  const cols = starts.at(-1)!;
  return { rows: indptr.length - 1, cols, indptr: Int32Array.from(indptr), indices: Int32Array.from(indices) };
}

/**
 * T over the rows of all users, which stay, and of all items. Of the c ≥ 2 rows f_k of an item with D_k users each,
 *   e_m = ½ [λ f_m + (1 − λ) / (c − 1) Σ_{k≠m} f_k + Σ_k D_k f_k / Σ_k D_k];
 * where nobody has the item, the last term is the mean. Every row sums to 1.
 *
 * @param own λ
 */
export function transferOf({ items, markets }: Pick<Markets, 'items' | 'markets'>, own: number): SparseMatrix {
  const starts = startsOf({ markets });
  const users = markets.reduce((sum, { interactions: { rows } }) => sum + rows, 0);
  /** The rows of each item, ascending, and the users of each. */
  const rowsOf: { row: number; users: number }[][] = items.map(() => []);
  for (const [m, market] of markets.entries())
    for (const [position, count] of countUsers(market.interactions).entries())
      rowsOf[market.items[position]].push({ row: users + starts[m] + position, users: count });
  const rows = users + starts.at(-1)!;
  const indptr = new Int32Array(rows + 1);
  const indices: number[] = Array.from({ length: users }, (_, user) => user);
  const values: number[] = indices.map(() => 1);
  for (let user = 0; user < users; user++) indptr[user + 1] = user + 1;
  let row = users;
  for (const { items: sold } of markets)
    for (const item of sold) {
      const alike = rowsOf[item];
      const count = alike.length;
      const all = alike.reduce((sum, each) => sum + each.users, 0);
      for (const other of alike) {
        const kept = other.row === row ? own : (1 - own) / (count - 1);
        const shared = all > 0 ? other.users / all : 1 / count;
        indices.push(other.row);
        values.push(count === 1 ? 1 : (kept + shared) / 2);
      }
      indptr[++row] = indices.length;
    }
  return { rows, cols: rows, indptr, indices: Int32Array.from(indices), values: Float32Array.from(values) };
}
