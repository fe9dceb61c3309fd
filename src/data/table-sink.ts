// What readers of tables take and give.
import type { LayoutOptions, TextForm, Wanted } from './recognise.ts';
import type { Recognised } from './recognised.ts';

/** Takes the rows of a table. */
export interface TableSink {
  /**
   * What was recognised, before the first row. `slots`: where in a row's values each role and each named column
   * (`=name`) is.
   */
  start(recognised: Recognised, slots: Record<string, number>): void;
  /**
   * The array is used again, and values may be slices of a larger text: to keep one, copy it (see `copyString`). Empty
   * where there is no value. `dubious`: whether a value may have characters that no id may have.
   */
  row(values: readonly string[], line: number, dubious: boolean): void;
  /** What is wrong with a row; the row is passed over if this returns. */
  bad(problem: string, line: number): void;
}

export interface TableOptions extends LayoutOptions {
  /** Size of the whole, for the progress reports; 0 where it is not known. */
  totalBytes?: number;
  /** How many times its size a packed file may unpack to, beyond 64 MiB. Default: 200. */
  maxExpansion?: number;
}

/** Reads text in pieces; what it has not used yet comes again with the next. */
export interface TextReader {
  readonly line: number;
  /** @returns where the rest begins. */
  read(text: string, last: boolean): number;
}

/** What a reader of text gives its rows to. */
export interface TextSink {
  start(form: TextForm, slots: Record<string, number>): void;
  /** `breaks`: whether a value may have a line break; taken for true. */
  row(values: readonly string[], line: number, breaks?: boolean): void;
  bad(problem: string, line: number): void;
}

/** Roles and named columns that are read where they are found. */
export function keysOf({ needed, welcome = [], named = [] }: Wanted): string[] {
  return [...new Set([...needed, ...welcome, ...named.map((name) => `=${name}`)])];
}
