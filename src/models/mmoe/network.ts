// Multi-gate mixture of experts (Ma et al., KDD 2018), a gate and a head for each market m:
//   x = [p ; q],  f_e = expert e, a tower on x;  a = softmax(x W_m);  z = t_mᵀ Σ_e a_e f_e + b_m.
// The gate sees x without dropout, and starts at 0: all experts alike.
import type { Network, NetworkSizes } from '../network/network.ts';
import type { ArraySpec } from '../network/parameters.ts';
import { pairOfTables, TOWER_TABLES, tower, towerLayers } from '../network/towers.ts';

/** @param widths of an expert: of its input, and of each of its layers */
export function mmoeNetwork(sizes: NetworkSizes, experts: number, widths: readonly number[]): Network {
  const markets = Array.from({ length: sizes.markets }, (_, m) => m);
  const numbers = Array.from({ length: experts }, (_, e) => e);
  const last = widths[widths.length - 1];
  return {
    tables: pairOfTables(TOWER_TABLES, sizes, widths[0] / 2),
    inputs: [TOWER_TABLES],
    layers: [
      ...numbers.flatMap((e) => towerLayers(`expert ${e} layer `, widths)),
      ...markets.flatMap((m): ArraySpec[] => [
        { name: `gate ${m}`, rows: widths[0], cols: experts, initial: { constant: 0 } },
        { name: `head ${m}`, rows: last, cols: 1, initial: { uniform: Math.sqrt(3 / last) } },
        { name: `bias ${m}`, rows: 1, cols: 1, initial: { constant: 0 } },
      ]),
    ],
    logits(tape, out) {
      const x = tape.input(0);
      const { market } = tape.samples;
      const gate = tape.softmax(
        tape.dense(x, tape.parameter(`gate ${market}`, experts), undefined, experts, 'identity'),
      );
      const dropped = tape.dropout(x);
      const found = numbers.map((e) => tower(tape, `expert ${e} layer `, dropped, widths, true));
      const mixed = tape.weigh(gate, found);
      return tape.logits([[mixed, tape.parameter(`head ${market}`, 1)]], tape.parameter(`bias ${market}`, 1), out);
    },
  };
}
