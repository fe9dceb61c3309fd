import { Job, type JobOptions } from '../common/job.ts';
import type { Address } from '../engine/address.ts';
import { stageContext } from '../engine/stage.ts';
import type { Kernels } from '../engine/types.ts';
import { startThreads, type ThreadedKernels, type ThreadOptions } from '../threads/pool.ts';
import { type BlobStore, memoryBlobs } from '../threads/work.ts';
import type { JobContext } from './job-kind.ts';

interface ContextOptions extends JobOptions {
  blobs?: BlobStore;
  measured?: (name: string, value: number) => void;
}

/**
 * What the jobs of one process share: the kernels, and what is open in their memory. Close it, or its threads live on.
 */
export class Warm {
  private kernels: ThreadedKernels | undefined;
  /** Where what is open starts. */
  private bottom: Address | undefined;
  private open: { key: string; value: unknown; close: () => void } | undefined;

  constructor(private readonly threads: ThreadOptions = {}) {}

  /** The context of one job. */
  context({ signal, onProgress, blobs = memoryBlobs(), measured = () => {} }: ContextOptions = {}): JobContext {
    return {
      signal,
      onProgress,
      blobs,
      measured,
      warm: (key, open, close) => this.get(key, open, close),
      alone: async () => {
        await this.close();
        return this.threads;
      },
      stage: (kernels, name, id) => stageContext(kernels, { stage: name, id }, new Job({ signal, onProgress })),
    };
  }

  /** Ends the threads, and gives back the memory. */
  async close(): Promise<void> {
    const { kernels } = this;
    this.open = undefined;
    this.kernels = undefined;
    this.bottom = undefined;
    await kernels?.close();
  }

  private async get<T>(
    key: string,
    open: (kernels: Kernels) => T | Promise<T>,
    close: (value: T) => void = () => {},
  ): Promise<{ kernels: Kernels; value: T }> {
    this.kernels ??= await startThreads(this.threads);
    const { kernels } = this;
    this.bottom ??= kernels.memory.mark();
    if (this.open?.key !== key) {
      this.open?.close();
      this.open = undefined;
      kernels.memory.release(this.bottom);
      const value = await open(kernels);
      this.open = { key, value, close: () => close(value) };
    }
    return { kernels, value: this.open.value as T };
  }
}
