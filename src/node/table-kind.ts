// A table of results, independent of its file format.

export interface Column {
  readonly name: string;
  /** `score` is an f32. A `text` may be absent. */
  readonly type: 'text' | 'integer' | 'score';
}

/** The content of a table, also named in the file. A file with the same columns may be replaced. */
export interface TableKind {
  readonly name: string;
  readonly columns: readonly Column[];
}

export type Cell = string | number | undefined;
/** An array for each column, all of one length. */
export type Batch = readonly (readonly Cell[])[];

export interface TableWriter {
  write(batch: Batch): Promise<void>;
  /** Writes the rest. The file is not yet renamed to its name. */
  finish(): Promise<void>;
}

/** Takes the bytes of a table. */
export type Sink = (piece: string | Uint8Array) => Promise<void>;
