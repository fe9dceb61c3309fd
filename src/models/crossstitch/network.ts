// Cross-stitch networks (Misra et al., CVPR 2016), NeuMF being the encoder of each task, here market:
//   φ_l^k = ReLU(W_l^kᵀ dropout(φ̃_{l−1}^k) + b_l^k),  φ̃_l^k = Σ_j A_l[k, j] φ_l^j,  φ̃_0^k = [p ; q] for each of the towers,
//   z = h_mᵀ [φ̃_3^m ; g] + b_m for a sample of market m.
// All towers see the same sample, since markets have no users in common; the last unit needs the market's row alone.
import type { Network, NetworkSizes } from '../network/network.ts';
import type { ArraySpec } from '../network/parameters.ts';
import type { Tape, Value } from '../network/tape.ts';
import { GMF_TABLES, gmf, pairOfTables, TOWER_TABLES, towerLayers } from '../network/towers.ts';

/** The share of its own tower that a unit starts with, if there are others. */
const OWN = 0.9;

/** @param widths of a tower: of its input, and of each of its layers */
export function crossStitchNetwork(sizes: NetworkSizes, dim: number, widths: readonly number[]): Network {
  const markets = Array.from({ length: sizes.markets }, (_, m) => m);
  const last = widths[widths.length - 1];
  const head = { uniform: Math.sqrt(3 / (last + dim)) };
  const unit = markets.flatMap((k) =>
    markets.map((j) => (k === j ? (markets.length === 1 ? 1 : OWN) : (1 - OWN) / (markets.length - 1))),
  );
  const tower = (k: number, l: number) => `tower ${k} layer ${l}`;
  const layers: ArraySpec[] = markets.flatMap((m) => [
    ...towerLayers(`tower ${m} layer `, widths),
    { name: `product ${m}`, rows: dim, cols: 1, initial: head },
    { name: `head ${m}`, rows: last, cols: 1, initial: head },
    { name: `bias ${m}`, rows: 1, cols: 1, initial: { constant: 0 } },
  ]);
  const units = widths.slice(1).map(
    (_, l): ArraySpec => ({
      name: `unit ${l + 1}`,
      rows: sizes.markets,
      cols: sizes.markets,
      initial: { values: unit },
    }),
  );
  /** Row k of a unit, of the towers' values. */
  const stitch = (tape: Tape, l: number, k: number, values: readonly Value[]) => {
    const all = tape.parameter(`unit ${l}`, sizes.markets);
    return tape.stitch(tape.columns(all, k * sizes.markets, sizes.markets), values);
  };
  return {
    tables: [...pairOfTables(GMF_TABLES, sizes, dim), ...pairOfTables(TOWER_TABLES, sizes, widths[0] / 2)],
    inputs: [GMF_TABLES, TOWER_TABLES],
    layers: [...layers, ...units],
    logits(tape, out) {
      const g = gmf(tape, tape.input(0));
      const { market } = tape.samples;
      // the same mask for all towers
      const input = tape.dropout(tape.input(1));
      let values: Value[] = markets.map(() => input);
      for (const [l, cols] of widths.entries()) {
        if (l === 0) continue;
        const found = values.map((x, k) => tape.layer(x, tower(k, l), cols, 'relu'));
        if (l === widths.length - 1) {
          const own = stitch(tape, l, market, found);
          return tape.logits(
            [
              [g, tape.parameter(`product ${market}`, 1)],
              [own, tape.parameter(`head ${market}`, 1)],
            ],
            tape.parameter(`bias ${market}`, 1),
            out,
          );
        }
        values = tape.dropAll(markets.map((k) => stitch(tape, l, k, found)));
      }
      throw new Error('a tower has a layer');
    },
  };
}
