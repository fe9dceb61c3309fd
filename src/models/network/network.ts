// What a kind of network is: its arrays, and the logits of some samples.
import type { Markets } from '../../data/markets.ts';
import type { Address } from '../../engine/address.ts';
import type { ArraySpec, TableSpec } from './parameters.ts';
import type { Tape, Value } from './tape.ts';

/** The sizes that the arrays of a network follow from. */
export interface NetworkSizes {
  /** Users of all markets, market by market. */
  users: number;
  /** Items of all markets. */
  items: number;
  markets: number;
}

/** A network that scores an item for a user. */
export interface Network {
  readonly tables: readonly TableSpec[];
  /** The tables that are read next to each other, by name; each is in one input. */
  readonly inputs: readonly (readonly string[])[];
  readonly layers: readonly ArraySpec[];
  /** Arrays that no gradient moves. */
  readonly state?: readonly ArraySpec[];
  /** Names of tables and layers that a training leaves as they are. */
  readonly frozen?: readonly string[];
  /** Whether a part of a batch must have all samples of its market. */
  readonly wholeMarkets?: true;
  /**
   * Computes the logits of the tape's samples.
   * @param out where they go; room of the tape's own by default
   */
  logits(tape: Tape, out?: Address): Value;
}

/** The sizes of the networks of these markets. */
export function sizesOf({ items, markets }: Pick<Markets, 'items' | 'markets'>): NetworkSizes {
  return {
    users: markets.reduce((sum, { users }) => sum + users.length, 0),
    items: items.length,
    markets: markets.length,
  };
}

/** The arrays of a network in the order of memory and files. */
export const arraysOf = ({ tables, layers, state = [] }: Network): ArraySpec[] => [...tables, ...layers, ...state];

/** The inputs of a network as its tape takes them. */
export function inputsOf({ tables, inputs }: Network): { name: string; of: 'user' | 'item'; cols: number }[][] {
  return inputs.map((names) =>
    names.map((name) => {
      const { of, cols } = tables.find((table) => table.name === name)!;
      return { name, of, cols };
    }),
  );
}
