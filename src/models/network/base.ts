// GMF, MLP and NeuMF (He et al., WWW 2017): one network, with one of the branches or both. With vectors of markets, which
// start at 1, items are q_i ⊙ v_m for a sample of market m (Bhargav et al., ECIR 2023).
//   z = h^Gᵀ (p^G ⊙ q^G) + h^Mᵀ φ_3 + b, φ the tower on [p^M; q^M]; the four tables are different ones.
import type { Network, NetworkSizes } from './network.ts';
import type { ArraySpec } from './parameters.ts';
import type { Value } from './tape.ts';
import { GMF_TABLES, gmf, pairOfTables, TOWER_TABLES, tower, towerLayers } from './towers.ts';

export type Branch = 'product' | 'tower';

const vectorOf = (branch: Branch, market: number) => `${branch} of market ${market}`;

/**
 * The network with these branches.
 * @param widths of a tower: of its input, and of each of its layers
 * @param aware whether items are scaled by vectors of markets
 */
export function baseNetwork(
  branches: readonly Branch[],
  sizes: NetworkSizes,
  dim: number,
  widths: readonly number[] = [],
  aware = false,
): Network {
  const has = (branch: Branch) => branches.includes(branch);
  const last = widths.at(-1) ?? 0;
  const into = (has('product') ? dim : 0) + (has('tower') ? last : 0);
  const initial = { uniform: Math.sqrt(3 / into) };
  const vectors = (branch: Branch, cols: number) =>
    Array.from(
      { length: aware && has(branch) ? sizes.markets : 0 },
      (_, m): ArraySpec => ({
        name: vectorOf(branch, m),
        rows: 1,
        cols,
        initial: { constant: 1 },
      }),
    );
  const head = (name: string, rows: number): ArraySpec => ({ name, rows, cols: 1, initial });
  return {
    tables: [
      ...(has('product') ? pairOfTables(GMF_TABLES, sizes, dim) : []),
      ...(has('tower') ? pairOfTables(TOWER_TABLES, sizes, widths[0] / 2) : []),
    ],
    inputs: [...(has('product') ? [GMF_TABLES] : []), ...(has('tower') ? [TOWER_TABLES] : [])],
    layers: [
      ...(has('tower') ? towerLayers('layer ', widths) : []),
      ...(has('product') ? [head('head of the product', dim)] : []),
      ...(has('tower') ? [head('head of the tower', last)] : []),
      { name: 'bias', rows: 1, cols: 1, initial: { constant: 0 } },
      ...vectors('product', dim),
      ...vectors('tower', widths[0] / 2),
    ],
    logits(tape, out) {
      const terms: [Value, Value][] = [];
      const input = (branch: Branch, number: number, cols: number) => {
        const x = tape.input(number);
        return aware ? tape.scaleLast(x, tape.parameter(vectorOf(branch, tape.samples.market), cols)) : x;
      };
      if (has('product')) terms.push([gmf(tape, input('product', 0, dim)), tape.parameter('head of the product', 1)]);
      if (has('tower')) {
        const both = input('tower', has('product') ? 1 : 0, widths[0] / 2);
        terms.push([tower(tape, 'layer ', both, widths), tape.parameter('head of the tower', 1)]);
      }
      return tape.logits(terms, tape.parameter('bias', 1), out);
    },
  };
}
