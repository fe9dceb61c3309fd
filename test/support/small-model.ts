import type { SparseMatrix, SparsePattern } from '../../src/matrix/sparse.ts';
import type { Model } from '../../src/model/model.ts';
import { SplitMix } from './splitmix-numbers.ts';

/** A dense matrix as compressed rows. */
export function sparse(rows: number[][], cols: number): SparseMatrix {
  const indptr = [0];
  const indices: number[] = [];
  const values: number[] = [];
  for (const row of rows) {
    for (const [j, value] of row.entries()) {
      if (value !== 0) {
        indices.push(j);
        values.push(value);
      }
    }
    indptr.push(indices.length);
  }
  return {
    rows: rows.length,
    cols,
    indptr: Int32Array.from(indptr),
    indices: Int32Array.from(indices),
    values: Float32Array.from(values),
  };
}

export function pattern(rows: number[][], cols: number): SparsePattern {
  const indptr = [0];
  for (const row of rows) indptr.push(indptr[indptr.length - 1] + row.length);
  return { rows: rows.length, cols, indptr: Int32Array.from(indptr), indices: Int32Array.from(rows.flat()) };
}

/** Three markets with every section that there is, ids of several scripts, and names that plain objects trip over. */
export function fullModel(seed = 1, dim = 5): Model {
  const random = new SplitMix(seed);
  const items = ['__proto__', 'a', 'b', 'constructor', 'd', 'e', 'naïve', 'toString', '物品', '🦊'].sort();
  const market = (name: string, positions: number[], users: string[]) => {
    const n = positions.length;
    const unit = () => {
      const row = Array.from({ length: dim }, () => random.next() - 0.5);
      const norm = Math.hypot(...row);
      return row.map((x) => x / norm);
    };
    const dense = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => (i !== j && random.next() < 0.5 ? random.next() : 0)),
    );
    return {
      name,
      items: Int32Array.from(positions),
      popularity: Uint32Array.from(positions, () => Math.floor(random.next() * 50)),
      linear: sparse(dense, n),
      foldIn: Float32Array.from(positions.flatMap(() => Array.from({ length: dim }, () => random.next() - 0.5))),
      vectors: Float32Array.from(positions.flatMap(unit)),
      bias: Float32Array.from(positions, () => random.next() / 10),
      linearWeight: 0.75,
      linearPower: 0.5,
      cosineWeight: 1.25,
      users: [...users].sort(),
      seenItems: pattern(
        users.map((_, u) => positions.map((_, i) => i).filter((i) => (i + u) % 3 === 0)),
        n,
      ),
      userVectors: Float32Array.from(users.flatMap(() => Array.from({ length: dim }, () => (random.next() - 0.5) / 5))),
    };
  };
  return {
    kind: 'm3rec',
    dim,
    items,
    markets: [
      market('m1', [0, 1, 2, 3, 5, 7, 8, 9], ['__proto__', 'u1', 'u2', 'ü']),
      market('m2', [1, 2, 4, 6], ['u1', 'x']),
      market('m3', [0, 9], []),
    ],
    training: {
      seed: 7,
      options: { epochs: 3, epsilon: 0.01 },
      stages: [{ stage: 'gram', entries: 12 }],
      note: '"quoted" – ü',
    },
  };
}
