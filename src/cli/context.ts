import { AbortedError, ModelFileError } from '../common/errors.ts';
import { decodeModel } from '../models/file.ts';
import { loadModel } from '../models/load.ts';
import { Recommender } from '../models/recommender.ts';
import { nodeWorkers, readBytes, relaxedKernels } from '../node/files.ts';
import { type Availability, startThreads } from '../threads/pool.ts';
import { writeLine } from './output.ts';
import { ProgressView } from './progress.ts';
import { type FileKind, MODEL_FILE, ResultFile } from './result-file.ts';

/** The signals that stop a command. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

/** What every command shares: messages, progress, the signal that stops it, and how data and models are opened. */
export class Context {
  /** @param version of the package */
  constructor(readonly version = '') {}

  readonly view = new ProgressView();
  private readonly results: ResultFile[] = [];
  private readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  /** Options of every long call. */
  readonly job = { signal: this.signal, onProgress: this.view.onProgress };

  /** One line on stderr. */
  message(text: string): void {
    this.view.clear();
    writeLine(`m3rec: ${text}`);
  }

  /** Time that a command has to end after a signal, in ms. Ctrl-C may take a second in all. */
  private readonly grace = { SIGINT: 500, SIGTERM: 500 };
  private stoppedBy: StopSignal = 'SIGINT';

  /** Aborts the signal; the command stops when it next checks it. */
  stop(name: StopSignal): void {
    this.stoppedBy = name;
    this.controller.abort();
  }

  /** Gives the command more time, or less, to end after a signal. */
  setGrace(name: StopSignal, ms: number): void {
    this.grace[name] = ms;
  }

  /** How long the command has from the signal on that stopped it. */
  get graceMs(): number {
    return this.grace[this.stoppedBy];
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

  /** A bad model file is named by its path. */
  async openModel<T>(path: string, open: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
    const bytes = await readBytes(path, this.signal);
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

  /** Opens a model on `threads` threads while `work` runs. */
  async withRecommender<T>(
    path: string,
    threads: number | undefined,
    work: (recommender: Recommender) => Promise<T>,
  ): Promise<T> {
    const model = await this.openModel(path, decodeModel);
    const kernels = await startThreads({ threads, workers: nodeWorkers });
    try {
      return await work(Recommender.ofChecked(model, kernels));
    } finally {
      await kernels.close();
    }
  }

  /** Checks before the long work, not after it, that a file can and may be written there. */
  async openResult(path: string, kind: FileKind = MODEL_FILE): Promise<ResultFile> {
    const result = await ResultFile.open(path, kind);
    this.results.push(result);
    return result;
  }

  /** Writes a file whole or not at all; returns its size. */
  async save(result: ResultFile, bytes: Uint8Array): Promise<number> {
    if (this.signal.aborted) throw new AbortedError('stopped');
    await result.write(bytes);
    return result.commit();
  }

  /** Called when the command has ended, for any reason. */
  async close(): Promise<void> {
    for (const result of this.results) await result.close();
  }
}
