import { rmSync } from 'node:fs';

/** Temporary files, folders and lock files of this process. They are removed when it ends, unless it is killed. */
const paths = new Set<string>();
let watching = false;

export function addLeftover(path: string): void {
  paths.add(path);
  if (watching) return;
  watching = true;
  process.on('exit', removeLeftovers);
}

/** Call when the file is removed or renamed to its name. @returns whether it was a leftover. */
export function forgetLeftover(path: string): boolean {
  return paths.delete(path);
}

/** Called at the end of the process. */
export function removeLeftovers(): void {
  for (const path of paths) rmSync(path, { force: true, recursive: true });
}
