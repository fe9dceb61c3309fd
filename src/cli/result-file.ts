import { open } from 'node:fs/promises';
import { DataError } from '../common/errors.ts';
import { lockFile } from '../node/lock.ts';
import { findTarget, OutputFile } from '../node/output-file.ts';

/** A kind of file that a command writes, and may replace. */
export interface FileKind {
  /** In messages: "this is not …". */
  readonly what: string;
  /** Whether m3rec wrote the file with this start and end. @param start, end 4 KiB at most */
  isOurs(start: Buffer, end: Buffer): boolean;
}

export const MODEL_FILE: FileKind = {
  what: 'a model of m3rec',
  isOurs: (start) => start.toString('latin1', 0, 5) === 'M3REC',
};

const LOOKED_AT = 4096;

/**
 * The file that `-o` names: checked and locked before the work starts, written whole or not at all. A file that m3rec
 * did not write is never replaced (docs/decisions/40-output-files.md).
 */
export class ResultFile {
  private file: OutputFile | undefined;

  private constructor(
    readonly path: string,
    private readonly unlock: () => Promise<void>,
  ) {}

  /** @throws DataError for a path that cannot be written, that another m3rec is writing, or that holds another file. */
  static async open(path: string, kind: FileKind): Promise<ResultFile> {
    const { target } = await findTarget(path);
    const unlock = await lockFile(target);
    const result = new ResultFile(path, unlock);
    try {
      const { existing } = await findTarget(path);
      if (existing && existing.size > 0) await checkOurs(path, existing.size, kind);
      await (await OutputFile.create(path)).discard();
      return result;
    } catch (error) {
      await result.close();
      throw error;
    }
  }

  async write(piece: Uint8Array | string): Promise<void> {
    this.file ??= await OutputFile.create(this.path);
    await this.file.write(piece);
  }

  /** Renames the file to its name; returns its size. */
  async commit(): Promise<number> {
    this.file ??= await OutputFile.create(this.path);
    await this.file.commit();
    return this.file.size;
  }

  /** Removes the temporary file, if it was not renamed, and the lock. */
  async close(): Promise<void> {
    await this.file?.discard();
    await this.unlock();
  }
}

async function checkOurs(path: string, size: number, kind: FileKind): Promise<void> {
  const file = await open(path);
  try {
    const length = Math.min(LOOKED_AT, size);
    const [start, end] = [Buffer.alloc(length), Buffer.alloc(length)];
    await file.read(start, 0, length, 0);
    await file.read(end, 0, length, size - length);
    if (kind.isOurs(start, end)) return;
  } finally {
    await file.close();
  }
  throw new DataError(
    path,
    undefined,
    `this file exists and is not ${kind.what}, so it is not replaced; give another name, or remove it`,
  );
}
