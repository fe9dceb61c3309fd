// Answers for many users or items: computed on all threads, written as they are ready.
import { AbortedError } from '../common/errors.ts';
import { Job } from '../common/job.ts';
import type { TableKind, TableWriter } from '../node/table-kind.ts';
import type { Context } from './context.ts';
import type { ResultFile } from './result-file.ts';
import { openTable, printTable, tableFile } from './tables.ts';

/** The destination of a table: a file, or stdout. */
export class TableOutput {
  /** Rows written. */
  rows = 0;

  private constructor(
    private readonly context: Context,
    private readonly table: TableWriter,
    private readonly result: ResultFile | undefined,
  ) {}

  /**
   * Opens the file that `-o` names, before the work starts; without `-o` stdout, for CSV, or JSON lines with `--json`.
   */
  static async open(context: Context, kind: TableKind, path: string | undefined, json?: boolean): Promise<TableOutput> {
    if (path === undefined) return new TableOutput(context, await printTable(kind, json), undefined);
    const result = await context.openResult(path, tableFile('-o', path, kind));
    return new TableOutput(context, await openTable(result, kind), result);
  }

  async write(columns: readonly (readonly (string | number | undefined)[])[]): Promise<void> {
    if (this.context.signal.aborted) throw new AbortedError('stopped');
    this.rows += columns[0].length;
    await this.table.write(columns);
  }

  /** Renames the file to its name. @returns its size; undefined for stdout. */
  async finish(): Promise<number | undefined> {
    await this.table.finish();
    if (this.context.signal.aborted) throw new AbortedError('stopped');
    return this.result?.commit();
  }
}

/**
 * Calls `work` with `size` elements of a list at a time, reports progress, and lets signals through. @throws
 * AbortedError
 */
export async function inChunks<T>(
  context: Context,
  stage: string,
  all: readonly T[],
  size: number,
  work: (chunk: readonly T[]) => Promise<void>,
): Promise<void> {
  const job = new Job(context.job);
  for (let from = 0; from < all.length; from += size) {
    await work(all.slice(from, from + size));
    await job.tick(stage, Math.min(all.length, from + size), all.length);
  }
  context.view.clear();
}
