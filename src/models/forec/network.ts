// The fork of FOREC (Bonab et al., CIKM 2021): NeuMF whose tables and first layer all markets share, and whose later
// layers each market has for itself, with a head of two layers before the logit.
//   z = [h^M ; h^G]ᵀ ReLU(W_b ReLU(W_a [φ_3 ; g])), W_a: w → 2w, W_b: 2w → w, w the columns of [φ_3 ; g]

import type { NamedArrays } from '../network/kind.ts';
import type { Network, NetworkSizes } from '../network/network.ts';
import { type ArraySpec, glorot, layer } from '../network/parameters.ts';
import type { Value } from '../network/tape.ts';
import { GMF_TABLES, gmf, pairOfTables, TOWER_TABLES, towerLayers } from '../network/towers.ts';

const SHARED = 'layer 1';
const HEADS = { tower: 'head of the tower', product: 'head of the product' } as const;
const of = (name: string, market: number) => `${name} of market ${market}`;

/**
 * The network of all markets.
 * @param widths of the tower: of its input, and of each of its layers
 * @param headed whether each market has a head; without one and with what it starts from, it is NeuMF
 */
export function forkedNetwork(sizes: NetworkSizes, dim: number, widths: readonly number[], headed = true): Network {
  const last = widths.at(-1)!;
  const width = last + dim;
  const initial = { uniform: Math.sqrt(3 / width) };
  const [, , ...further] = towerLayers('layer ', widths);
  const headLayers = (market: number): ArraySpec[] => {
    const wide = glorot(width, 2 * width);
    return [
      { name: of('head, first, of the tower', market), rows: last, cols: 2 * width, initial: wide },
      { name: of('head, first, of the product', market), rows: dim, cols: 2 * width, initial: wide },
      { name: of('head, first, bias', market), rows: 1, cols: 2 * width, initial: { constant: 0 } },
      ...layer(of('head, second', market), 2 * width, width),
    ];
  };
  const markets = Array.from({ length: sizes.markets }, (_, m): ArraySpec[] => [
    ...further.map((array) => ({ ...array, name: of(array.name, m) })),
    ...(headed ? headLayers(m) : []),
    { name: of(HEADS.tower, m), rows: last, cols: 1, initial },
    { name: of(HEADS.product, m), rows: dim, cols: 1, initial },
    { name: of('bias', m), rows: 1, cols: 1, initial: { constant: 0 } },
  ]);
  const shared = layer(SHARED, widths[0], widths[1]);
  const tables = [...pairOfTables(GMF_TABLES, sizes, dim), ...pairOfTables(TOWER_TABLES, sizes, widths[0] / 2)];
  return {
    tables,
    inputs: [GMF_TABLES, TOWER_TABLES],
    layers: [...shared, ...markets.flat()],
    frozen: [...tables, ...shared].map(({ name }) => name),
    logits(tape, out) {
      const { market } = tape.samples;
      const own = (name: string, cols: number) => tape.parameter(of(name, market), cols);
      const g = gmf(tape, tape.input(0));
      let x = tape.layer(tape.dropout(tape.input(1)), SHARED, widths[1], 'relu');
      for (const [l, cols] of widths.entries())
        if (l > 1)
          x = tape.dense(tape.dropout(x), own(`layer ${l}.weight`, cols), own(`layer ${l}.bias`, cols), cols, 'relu');
      let ends: [Value, Value] = [x, g];
      if (headed) {
        const terms: [Value, Value][] = [
          [x, own('head, first, of the tower', 2 * width)],
          [g, own('head, first, of the product', 2 * width)],
        ];
        const first = tape.denseOf(terms, own('head, first, bias', 2 * width), 2 * width, 'relu');
        const second = tape.layer(first, of('head, second', market), width, 'relu');
        ends = [tape.columns(second, 0, last), tape.columns(second, last, dim)];
      }
      const heads = [own(HEADS.tower, 1), own(HEADS.product, 1)];
      // the product first, as NeuMF adds them
      const logit: [Value, Value][] = [
        [ends[1], heads[1]],
        [ends[0], heads[0]],
      ];
      return tape.logits(logit, own('bias', 1), out);
    },
  };
}

/** What the network starts from: tables and first layer of NeuMF, and the rest of it for each market. */
export function forkOf(neumf: NamedArrays, markets: number): NamedArrays {
  const isShared = (name: string) =>
    name.startsWith(SHARED) || [...GMF_TABLES, ...TOWER_TABLES].includes(name as never);
  return new Map(
    [...neumf].flatMap(([name, values]): [string, Float32Array][] =>
      isShared(name) ? [[name, values]] : Array.from({ length: markets }, (_, m) => [of(name, m), values]),
    ),
  );
}
