import { AbortedError, checkArray, checkCallback, checkObject } from '../common/errors.ts';
import { Job } from '../common/job.ts';
import { checkThreads, type ThreadOptions } from './pool.ts';
import {
  type BlobStore,
  type Executor,
  type ExecutorOptions,
  memoryBlobs,
  type Work,
  type WorkContext,
  workKey,
} from './work.ts';

/** What `localExecutor` takes. */
export interface LocalOptions extends ThreadOptions {
  /** Default: in memory. */
  blobs?: BlobStore;
  /** The build whose results these are, where results of others must not be taken for them. */
  build?: string;
  /** Seconds of processor time of this process so far; without it works measure by the clock alone. */
  processor?: () => number;
}

/**
 * Runs works in this process, one after the other; threads are inside each work. Inputs and results pass through their
 * codecs, so that a work that runs here runs elsewhere too.
 *
 * @throws ArgumentError for threads out of range.
 * @example
 * const doubled = { name: 'doubled', version: 1, input: jsonCodec(), output: jsonCodec(), run: async (n) => 2 * n };
 * await localExecutor().run([{ kind: doubled, input: 21 }]); // → [42]
 */
export function localExecutor(options: LocalOptions = {}): Executor {
  const { blobs = memoryBlobs(), build, processor, ...threads } = checkObject('options', options) as LocalOptions;
  checkThreads(threads);
  checkCallback('processor', processor);
  return {
    blobs,
    parallel: 1,
    async run<In, Out>(works: readonly Work<In, Out>[], given: ExecutorOptions<Out> = {}): Promise<Out[]> {
      checkArray('works', works);
      new Job(given); // checks it
      const { onResult, onProgress, signal } = given;
      checkCallback('onResult', onResult);
      const outputs: Out[] = [];
      for (const [index, { kind, input }] of works.entries()) {
        if (signal?.aborted) throw new AbortedError(`works were stopped at ${index} of ${works.length}`);
        const measured: Record<string, number> = {};
        const context: WorkContext = {
          blobs,
          threads,
          onProgress,
          signal,
          processor,
          measured: (name, value) => {
            measured[name] = value;
          },
        };
        const bytes = kind.input.encode(input);
        const start = performance.now();
        const output = await kind.run(kind.input.decode(bytes), context);
        const result = kind.output.decode(kind.output.encode(output));
        const seconds = (performance.now() - start) / 1000;
        await onResult?.(index, result, { key: await workKey(kind, bytes, build), seconds, measured, reused: false });
        outputs.push(result);
      }
      return outputs;
    },
  };
}
