import type { KernelExports } from './kernel-exports.ts';
import type { Kernels, OnTask, Task } from './types.ts';

/**
 * Runs the tasks, in any order, on all threads of the kernels, or one after the other if there is only one.
 * A task may write only what no other task of the same run reads or writes: then the bytes do not depend on the
 * threads.
 *
 * @throws WorkerError if a worker has failed, and what `onTask` throws; then the pool takes no more tasks.
 */
export async function runTasks({ exports, pool }: Kernels, tasks: readonly Task[], onTask?: OnTask): Promise<void> {
  if (pool) return pool.run(tasks, onTask);
  for (const [index, task] of tasks.entries()) {
    runTask(exports, task);
    await onTask?.(index + 1);
  }
}

/** Makes the calls of one task. */
export function runTask(exports: KernelExports, task: Task): void {
  for (const [name, ...args] of task) (exports[name] as (...args: number[]) => unknown)(...args);
}

/** [0, count) cut into ranges of `size`; the last may be shorter. */
export function ranges(count: number, size: number): [begin: number, end: number][] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => [i * size, Math.min(count, (i + 1) * size)]);
}
