import type { WasmMemory } from '../common/host-types.ts';
import type { KernelExports } from '../engine/kernel-exports.ts';
import type { ResolvedKernels } from '../engine/source.ts';
import { runTask } from '../engine/tasks.ts';
import { TaskQueue } from './task-queue.ts';

/** The first message to a worker. */
export interface WorkerStart {
  kernels: ResolvedKernels;
  memory: WasmMemory;
  queue: SharedArrayBuffer;
  /** The kernels by number. */
  names: string[];
  /** See TaskQueue. */
  looks: number;
}

/** The messages of a worker. `done`: it finished the last of the published tasks while the coordinator slept. */
export type WorkerMessage = { kind: 'ready' } | { kind: 'done' } | { kind: 'failed'; reason: string };

/**
 * Runs a worker: it takes tasks from the queue until that is closed or a task fails. Until then it does not return to
 * its event loop.
 */
export async function serveTasks(
  { kernels, memory, queue, names, looks }: WorkerStart,
  post: (message: WorkerMessage) => void,
): Promise<void> {
  try {
    const imports = { env: { memory } };
    // a module that was sent here belongs to this realm
    const { exports } =
      kernels instanceof WebAssembly.Module
        ? await WebAssembly.instantiate(kernels, imports)
        : (await WebAssembly.instantiate(kernels, imports)).instance;
    const tasks = new TaskQueue(queue, names, looks);
    post({ kind: 'ready' });
    while (true) {
      const ticket = tasks.claim();
      if (tasks.closed) return;
      if (ticket === undefined) {
        tasks.waitForTasks();
        continue;
      }
      runTask(exports as unknown as KernelExports, tasks.read(ticket));
      if (tasks.finish()) post({ kind: 'done' });
    }
  } catch (error) {
    post({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  }
}
