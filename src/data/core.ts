// The k-core of a market: what is left where users and items with too few interactions are left out, and then those
// that lost some.
import type { SparsePattern } from '../matrix/sparse.ts';

/**
 * (entries of X) 1 for each interaction of the largest set of them in which every user has at least `minUser` and every
 * item at least `minItem`. Users and items with fewer are removed one by one, in an order that does not matter; each
 * goes once, so time is linear in the entries of X. Memory: 9 bytes an entry.
 *
 * Seidman (1983), Network structure and minimum degree, for the two sides of a bipartite graph.
 */
export function coreOf({ rows, cols, indptr, indices }: SparsePattern, minUser: number, minItem: number): Uint8Array {
  const entries = indptr[rows];
  const kept = new Uint8Array(entries).fill(1);
  const ofUser = new Int32Array(rows);
  const ofItem = new Int32Array(cols);
  const rowOf = new Int32Array(entries);
  for (let row = 0; row < rows; row++) {
    ofUser[row] = indptr[row + 1] - indptr[row];
    rowOf.fill(row, indptr[row], indptr[row + 1]);
  }
  for (let entry = 0; entry < entries; entry++) ofItem[indices[entry]]++;
  // Entries of each item, by item.
  const starts = new Int32Array(cols + 1);
  for (let item = 0; item < cols; item++) starts[item + 1] = starts[item] + ofItem[item];
  const byItem = new Int32Array(entries);
  const cursors = starts.slice(0, cols);
  for (let entry = 0; entry < entries; entry++) byItem[cursors[indices[entry]]++] = entry;

  // Users are 0 … rows − 1, items rows … rows + cols − 1.
  const waiting: number[] = [];
  for (let row = 0; row < rows; row++) if (ofUser[row] < minUser) waiting.push(row);
  for (let item = 0; item < cols; item++) if (ofItem[item] < minItem) waiting.push(rows + item);
  const remove = (entry: number) => {
    if (kept[entry] === 0) return;
    kept[entry] = 0;
    if (--ofUser[rowOf[entry]] === minUser - 1) waiting.push(rowOf[entry]);
    if (--ofItem[indices[entry]] === minItem - 1) waiting.push(rows + indices[entry]);
  };
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next < rows) for (let entry = indptr[next]; entry < indptr[next + 1]; entry++) remove(entry);
    else for (let at = starts[next - rows]; at < starts[next - rows + 1]; at++) remove(byItem[at]);
  }
  return kept;
}
