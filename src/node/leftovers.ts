import { rmSync } from 'node:fs';

/** Temporary files and folders, and lock files, of this process: none outlives it, unless it is killed. */
const paths = new Set<string>();
let watching = false;

export function addLeftover(path: string): void {
  paths.add(path);
  if (watching) return;
  watching = true;
  process.on('exit', removeLeftovers);
}

/** The file is gone, or is in its place. @returns whether it was one. */
export function forgetLeftover(path: string): boolean {
  return paths.delete(path);
}

/** For the end of the process. */
export function removeLeftovers(): void {
  for (const path of paths) rmSync(path, { force: true, recursive: true });
}
