// What a table of results is made of, whatever file it becomes.

export interface Column {
  readonly name: string;
  /** `score` is an f32. A `text` may be absent. */
  readonly type: 'text' | 'integer' | 'score';
}

/** What is in a table, in the file itself too: a file with the same columns may be replaced. */
export interface TableKind {
  readonly name: string;
  readonly columns: readonly Column[];
}

export type Cell = string | number | undefined;
/** An array for each column, all of one length. */
export type Batch = readonly (readonly Cell[])[];

export interface TableWriter {
  write(batch: Batch): Promise<void>;
  /** Writes what is left; the file is not yet in its place. */
  finish(): Promise<void>;
}

/** Where the bytes of a table go. */
export type Sink = (piece: string | Uint8Array) => Promise<void>;
