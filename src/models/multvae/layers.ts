// MultVAE (Liang et al., WWW 2018), an autoencoder of histories:
//   h = tanh(W_1ᵀ x̂ + b_1),  x̂ = dropout(x / ‖x‖);   (μ, ln σ²) = W_2ᵀ h + b_2;   z = μ + σ ⊙ ε, or μ at serving;
//   h′ = tanh(W_3ᵀ z + b_3);   logits = W_4 h′ + b_4, over the items of the market only.
// Rows of W_1 and W_4 are items of all markets. W_4 has b_4 as one more column, which h′ meets with a 1, and then zeros.
import type { Address } from '../../engine/address.ts';
import { type ArraySpec, glorot, layer } from '../network/parameters.ts';
import type { Tape, Value } from '../network/tape.ts';

/** Columns of W_4 beyond those of h′: b_4, and zeros so that rows stay a multiple of 16. */
export const EXTRA = 16;

/** Sizes: hidden units, and d of the latent vector. */
export interface Sizes {
  hidden: number;
  dim: number;
}

/** The tables of items: W_1, and W_4 with b_4. */
export function itemTables({ hidden }: Sizes, items: number): ArraySpec[] {
  return [
    { name: 'encoder', rows: items, cols: hidden, initial: glorot(items, hidden) },
    { name: 'decoder', rows: items, cols: hidden + EXTRA, initial: { ...glorot(hidden, items), columns: hidden } },
  ];
}

/** b_1, and the layers of W_2 and W_3. */
export function innerLayers({ hidden, dim }: Sizes): ArraySpec[] {
  return [
    { name: 'encoder.bias', rows: 1, cols: hidden, initial: { constant: 0 } },
    ...layer('moments', hidden, 2 * dim),
    ...layer('decoded', dim, hidden),
  ];
}

export const arraysOfVae = (sizes: Sizes, items: number): ArraySpec[] => [
  ...itemTables(sizes, items),
  ...innerLayers(sizes),
];

/** (μ, ln σ²) from W_1ᵀ x̂, whose gradient becomes that of the sum. */
export function encoded(tape: Tape, sum: Value, { hidden, dim }: Sizes): Value {
  const h = tape.activate(sum, tape.parameter('encoder.bias', hidden), 'tanh');
  return tape.layer(h, 'moments', 2 * dim, 'identity');
}

/** h′ from z, written next to the 1 that b_4 meets too. @param wide rows × (hidden + EXTRA) */
export function decoded(tape: Tape, z: Value, { hidden }: Sizes, wide: Address, ones: Address): Value {
  const h = tape.layer(z, 'decoded', hidden, 'tanh');
  const { rows } = tape.samples;
  tape.calls.push(['multiplyRows', rows, hidden, h.at, h.ld, ones, 0, wide, hidden + EXTRA, 0]);
  return h;
}

/** Room for h′ with its 1: the address, the first column after h′ set. */
export function fillOnes(values: Float32Array, hidden: number): void {
  values.fill(0);
  for (let at = hidden; at < values.length; at += hidden + EXTRA) values[at] = 1;
}
