// STAR (Sheng et al., CIKM 2021): layers whose weights are a shared matrix times one of the market, element by element.
//   φ_0 = PN([p ; q]),  φ_l = ReLU((W_l ⊙ W_l^m)ᵀ dropout(φ_{l−1}) + b_l + b_l^m);  z = head (alike) + z_aux,
//   PN: x̂ = (x − μ) / √(v + ε) by columns over the market's samples of the batch, φ_0 = (γ ⊙ γ_m) ⊙ x̂ + β + β_m,
//   z_aux = MLP([r_m ; φ_0]) with an embedding r_m of the market.
// At the start W_l^m = 1 and b_l^m = 0: all markets share one network. Running moments serve.
import type { Network, NetworkSizes } from '../network/network.ts';
import { type ArraySpec, deviation, glorot, layer } from '../network/parameters.ts';
import type { Tape, Value } from '../network/tape.ts';
import { pairOfTables, TOWER_TABLES, towerLayers } from '../network/towers.ts';

/** Length of r_m, and the auxiliary network's hidden units. */
const MARKET = 16;
const HIDDEN = 64;

/** Parts that may be left out, to see what they bring. */
export interface StarParts {
  normalised: boolean;
  auxiliary: boolean;
}

/** @param widths of the star layers: of their input, and of each of them */
export function starNetwork(
  sizes: NetworkSizes,
  widths: readonly number[],
  { normalised, auxiliary }: StarParts = { normalised: true, auxiliary: true },
): Network {
  const markets = Array.from({ length: sizes.markets }, (_, m) => m);
  const [input] = widths;
  const last = widths[widths.length - 1];
  const constant = (name: string, rows: number, cols: number, value: number): ArraySpec => ({
    name,
    rows,
    cols,
    initial: { constant: value },
  });
  const shared = [
    ...towerLayers('shared ', widths),
    ...layer('shared head', last, 1, { uniform: Math.sqrt(3 / last) }),
  ];
  const ofMarket = (m: number) => [
    ...shared.map(({ name, rows, cols }) => constant(`${name} of ${m}`, rows, cols, name.endsWith('weight') ? 1 : 0)),
    ...(normalised ? [constant(`γ of ${m}`, 1, input, 1), constant(`β of ${m}`, 1, input, 0)] : []),
    ...(auxiliary ? [{ name: `market ${m}`, rows: 1, cols: MARKET, initial: deviation(0.01) }] : []),
  ];
  // [r_m ; φ_0] times the hidden weights is a product each: the market's is the same for all samples
  const auxiliaryLayers: ArraySpec[] = [
    ...layer('auxiliary', input, HIDDEN, glorot(MARKET + input, HIDDEN)),
    { name: 'auxiliary of market', rows: MARKET, cols: HIDDEN, initial: glorot(MARKET + input, HIDDEN) },
    { name: 'auxiliary head', rows: HIDDEN, cols: 1, initial: { uniform: Math.sqrt(3 / HIDDEN) } },
  ];
  return {
    tables: pairOfTables(TOWER_TABLES, sizes, input / 2),
    inputs: [TOWER_TABLES],
    layers: [
      ...shared,
      ...(normalised ? [constant('γ', 1, input, 1), constant('β', 1, input, 0)] : []),
      ...(auxiliary ? auxiliaryLayers : []),
      ...markets.flatMap(ofMarket),
    ],
    ...(normalised && {
      state: markets.map((m) => constant(`moments of ${m}`, 1, 2 * input + 1, 0)),
      wholeMarkets: true,
    }),
    logits(tape, out) {
      const m = tape.samples.market;
      const embedded = tape.input(0);
      const x = normalised ? partitioned(tape, embedded, input, m) : embedded;
      let value = x;
      for (const [l, cols] of widths.entries())
        if (l > 0) value = starLayer(tape, tape.dropout(value), `shared ${l}`, m, cols);
      const [weight, bias] = starWeights(tape, 'shared head', m, last, 1);
      const terms: [Value, Value][] = [[value, weight]];
      if (auxiliary) terms.push([auxiliaryHidden(tape, x, m), tape.parameter('auxiliary head', 1)]);
      return tape.logits(terms, bias, out);
    },
  };
}

function starLayer(tape: Tape, x: Value, name: string, m: number, cols: number): Value {
  const [weight, bias] = starWeights(tape, name, m, x.cols, cols);
  return tape.dense(x, weight, bias, cols, 'relu');
}

/** W ⊙ W^m and b + b^m. */
function starWeights(tape: Tape, name: string, m: number, rows: number, cols: number): [weight: Value, bias: Value] {
  const flat = (array: string) => tape.parameter(array, rows * cols);
  const product = tape.multiply(flat(`${name}.weight`), flat(`${name}.weight of ${m}`), 1);
  const bias = tape.sum(tape.parameter(`${name}.bias`, cols), tape.parameter(`${name}.bias of ${m}`, cols), cols);
  return [{ ...product, cols, ld: cols }, bias];
}

/** Partitioned normalisation. */
function partitioned(tape: Tape, x: Value, cols: number, m: number): Value {
  const normal = tape.normalise(x, `moments of ${m}`);
  const scale = tape.multiply(tape.parameter('γ', cols), tape.parameter(`γ of ${m}`, cols), 1);
  const shift = tape.sum(tape.parameter('β', cols), tape.parameter(`β of ${m}`, cols), cols);
  return tape.activate(tape.multiplyAll(normal, scale), shift, 'identity');
}

/** ReLU([r_m ; φ_0] W + b). */
function auxiliaryHidden(tape: Tape, x: Value, m: number): Value {
  const market = tape.product(tape.parameter(`market ${m}`, MARKET), tape.parameter('auxiliary of market', HIDDEN));
  const bias = tape.sum(tape.parameter('auxiliary.bias', HIDDEN), market, HIDDEN);
  return tape.dense(x, tape.parameter('auxiliary.weight', HIDDEN), bias, HIDDEN, 'relu');
}
