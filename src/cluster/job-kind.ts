// What a job is: a pure function from bytes and values to bytes.
import type { Progress } from '../common/job.ts';
import type { StageContext } from '../engine/stage.ts';
import type { Kernels } from '../engine/types.ts';
import type { ThreadOptions } from '../threads/pool.ts';
import type { BlobStore } from '../threads/work.ts';
import type { Params } from './plan.ts';

/** One input of a job; its bytes are fetched when they are asked for. */
export interface JobInput {
  /** Of the bytes. */
  readonly digest: string;
  /** @throws BlobError, InputMissingError */
  bytes(): Promise<Uint8Array>;
}

/** What a job works with. */
export interface JobContext {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  /** The store, for what inputs name by digest. */
  readonly blobs: BlobStore;
  /** Says how long a part took, or another figure that outputs must not hold. */
  measured(name: string, value: number): void;
  /**
   * What several jobs of a machine work on, opened once: a catalogue in linear memory, a model. It lives until a job
   * asks for something of another key; the stack of linear memory is then released to where it was.
   */
  warm<T>(
    key: string,
    open: (kernels: Kernels) => T | Promise<T>,
    close?: (value: T) => void,
  ): Promise<{ kernels: Kernels; value: T }>;
  /** The options of a call that opens kernels itself; what was warm is closed. */
  alone(): Promise<ThreadOptions>;
  /** The context of stages and of what they call, with this name in progress and errors. */
  stage(kernels: Kernels, name: string, id: string): StageContext;
}

/** A sort of job. What it does may only change together with its version. */
export interface JobKind {
  readonly name: string;
  readonly version: number;
  /**
   * @param params as any stranger may have written them: checked here.
   * @returns its outputs, the same bytes for the same values and inputs, on any machine and number of threads.
   * @throws ArgumentError for params or inputs of another form.
   */
  run(params: Params, inputs: readonly JobInput[], context: JobContext): Promise<Uint8Array[]>;
}
