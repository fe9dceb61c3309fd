// Work cut into kernel calls that may run in any order, or at once: each writes where no other of its list reads or writes.
import type { KernelExports } from './kernel-exports.ts';
import type { Kernels } from './kernels.ts';

export interface Task {
  kernel: keyof KernelExports;
  args: number[];
}

/** Runs the tasks of a list, all of which have ended when the promise resolves. */
export async function runTasks({ exports }: Kernels, tasks: Task[]): Promise<void> {
  for (const { kernel, args } of tasks) (exports[kernel] as (...args: number[]) => unknown)(...args);
}
