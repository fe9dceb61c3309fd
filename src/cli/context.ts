import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AbortedError, DataError, ModelFileError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import type { Markets } from '../data/markets.ts';
import type { DataWarning } from '../data/read-markets.ts';
import {
  checkWritable,
  nodeWorkers,
  readBytes,
  readDirectory,
  relaxedKernels,
  writeFileAtomically,
} from '../node/files.ts';
import { loadModel, type Recommender } from '../recommend/recommender.ts';
import type { Availability } from '../threads/pool.ts';
import type { DataOptions } from './options.ts';
import { ProgressView } from './progress.ts';

/** Where a command reads no held-out rows, warnings about them would mislead. */
const HELD_OUT_WARNINGS: readonly DataWarning['kind'][] = ['cold-item', 'unknown-user'];

/** What every command shares: messages, progress, the signal that stops it, and how data and models are opened. */
export class Context {
  readonly view = new ProgressView();
  private readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  /** Options of every long call. */
  readonly job = { signal: this.signal, onProgress: this.view.onProgress };

  /** One line on stderr. */
  message(text: string): void {
    this.view.clear();
    process.stderr.write(`m3rec: ${printable(text)}\n`);
  }

  /** Stops the command at its next look at the signal. */
  stop(): void {
    this.controller.abort();
  }

  /** The options of a job that may run on several threads, with relaxed SIMD or without. */
  async threads(threads: number | undefined, relaxed: boolean | undefined) {
    return {
      threads,
      ...(relaxed ? await relaxedKernels() : { workers: nodeWorkers }),
      onThreads: ({ threads: running, reason }: Availability) =>
        this.message(running === 1 ? `1 thread: ${reason}` : `${running} threads`),
    };
  }

  async readData(
    path: string,
    { minRating, markets, trainingOnly }: DataOptions & { trainingOnly?: boolean },
    onWarning?: (warning: DataWarning) => void,
  ): Promise<Markets> {
    const data = await readDirectory(path, {
      ...this.job,
      minRating,
      markets,
      onWarning: (warning) => {
        if (trainingOnly && HELD_OUT_WARNINGS.includes(warning.kind)) return;
        this.message(`warning: ${warning.file}: ${warning.message}`);
        onWarning?.(warning);
      },
    });
    this.view.clear();
    return data;
  }

  /** A bad model file is named by its path. */
  async openModel<T>(path: string, open: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
    const bytes = await readBytes(path);
    try {
      return await open(bytes);
    } catch (error) {
      if (error instanceof ModelFileError) throw new ModelFileError(`${path}: ${error.message}`);
      throw error;
    }
  }

  openRecommender(path: string): Promise<Recommender> {
    return this.openModel(path, (bytes) => loadModel(bytes));
  }

  /** Before the long work, not after it: can a file be written there? */
  async checkOutput(path: string): Promise<void> {
    const folder = dirname(path);
    const kind = await stat(folder).catch(() => undefined);
    if (!kind?.isDirectory()) throw new DataError(path, undefined, `no folder ${folder}`);
    if ((await stat(path).catch(() => undefined))?.isDirectory())
      throw new DataError(path, undefined, 'this is a folder');
    await checkWritable(path);
  }

  /** Writes a file whole or not at all; returns its size. */
  async save(path: string, bytes: Uint8Array): Promise<number> {
    if (this.signal.aborted) throw new AbortedError('stopped');
    await writeFileAtomically(path, bytes);
    return bytes.length;
  }
}
