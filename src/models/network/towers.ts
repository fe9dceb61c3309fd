// The two branches that networks are built of: GMF, the product of a user's and an item's embedding, and a tower of
// dense layers on both next to each other (He et al., WWW 2017).

import type { NetworkSizes } from './network.ts';
import { type ArraySpec, deviation, layer, type TableSpec } from './parameters.ts';
import type { Tape, Value } from './tape.ts';

/** Sizes of the branches: d, and the units of the first hidden layer. */
export interface Widths {
  dim: number;
  hidden: number;
}

/** Embeddings start with this deviation. */
const EMBEDDED = deviation(0.01);

/** A table for users and one for items. */
export function pairOfTables(names: readonly [string, string], { users, items }: NetworkSizes, cols: number) {
  const of = (name: string, kind: 'user' | 'item', rows: number): TableSpec => ({
    name,
    of: kind,
    rows,
    cols,
    initial: EMBEDDED,
  });
  return [of(names[0], 'user', users), of(names[1], 'item', items)];
}

/** Names of the tables of the branches. */
export const GMF_TABLES = ['user product', 'item product'] as const;
export const TOWER_TABLES = ['user tower', 'item tower'] as const;

/** g = p ⊙ q, of an input that is [p ; q]. */
export function gmf(tape: Tape, input: Value): Value {
  const dim = input.cols / 2;
  return tape.multiply(tape.columns(input, 0, dim), tape.columns(input, dim, dim));
}

/** Units of a tower's layers, the input first: 2d → hidden → 2 hidden → d. */
export const widthsOf = ({ dim, hidden }: Widths): number[] => [2 * dim, hidden, 2 * hidden, dim];

/** Layers of a tower, named `${name}1`, `${name}2`, … */
export function towerLayers(name: string, widths: readonly number[]): ArraySpec[] {
  return widths.slice(1).flatMap((cols, l) => layer(`${name}${l + 1}`, widths[l], cols));
}

/**
 * φ_l = ReLU(W_lᵀ dropout(φ_{l−1}) + b_l), from an input that is φ_0.
 * @param dropped whether the input has had its dropout
 */
export function tower(tape: Tape, name: string, input: Value, widths: readonly number[], dropped = false): Value {
  return widths.slice(1).reduce((x, cols, l) => {
    const seen = dropped && l === 0 ? x : tape.dropout(x);
    return tape.layer(seen, `${name}${l + 1}`, cols, 'relu');
  }, input);
}
