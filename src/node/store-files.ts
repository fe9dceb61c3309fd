// Where a store keeps its files, by names with slashes: the contract of a folder, a bucket and a web server.

/** What holds the files of a store. Names are made by the store: lower-case letters, digits, `-`, `.` and slashes. */
export interface Files {
  /** In messages, without user and password. */
  readonly name: string;
  /** The bytes, or those of a range [begin, end); undefined if there is no such file. */
  read(path: string, range?: readonly [begin: number, end: number]): Promise<Uint8Array | undefined>;
  /** Bytes of a file; undefined if there is none. */
  size(path: string): Promise<number | undefined>;
  /**
   * Writes a file whole or not at all. @param keep leaves a file that is there alone
   * @returns whether this call wrote it.
   */
  write(path: string, bytes: Uint8Array, keep?: boolean): Promise<boolean>;
  /** It may be gone already. */
  remove(path: string): Promise<void>;
  /** Names of all files below a folder, sorted, with their bytes and when they were written, in ms since 1970. */
  list(folder: string): Promise<ListedFile[]>;
  /** Bytes that were read from a cache of this machine, so far. */
  readonly cached?: number;
}

export interface ListedFile {
  path: string;
  bytes: number;
  written: number;
}
