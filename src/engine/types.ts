// An instance of the kernels, and calls to it. Types only, so that memory, tasks and threads need not know how an
// instance is made.
import type { KernelExports } from './kernel-exports.ts';
import type { LinearMemory } from './memory.ts';

export type { KernelExports };

/** One instance of the kernels with the memory that it works on. */
export interface Kernels {
  readonly exports: KernelExports;
  readonly memory: LinearMemory;
  /** Further threads on the same memory, if there are any. */
  readonly pool?: TaskPool;
}

/** One kernel call: the kernel's name and its arguments. */
export type Call = {
  [name in keyof KernelExports]: readonly [name, ...Parameters<KernelExports[name]>];
}[keyof KernelExports];

/** Calls one thread makes in order. Return values are discarded. */
export type Task = readonly Call[];

/** Called with the number of finished tasks, between the tasks of the calling thread; an exception ends the run. */
export type OnTask = (finished: number) => Promise<void>;

/** Threads that share the kernels' memory with the calling one. */
export interface TaskPool {
  /** The calling thread included. */
  readonly threads: number;
  run(tasks: readonly Task[], onTask?: OnTask): Promise<void>;
}
