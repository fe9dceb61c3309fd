import { DataError, M3RecError } from '../common/errors.ts';

const REASONS: Record<string, string> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'this is a folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOSPC: 'no space left',
  EROFS: 'the file system is read-only',
  ENAMETOOLONG: 'the name is longer than the file system takes',
  ELOOP: 'links that lead to each other',
  EMFILE: 'too many open files',
};

/** An error of the operating system, by its code, in a few words. */
export function reasonOf(code: string): string {
  return REASONS[code] ?? code;
}

/** An error met at a file, as a DataError that names it; what has no code, or is one of ours, stays as it is. */
export function fileError(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || error instanceof M3RecError) return error as Error;
  return new DataError(path, undefined, reasonOf(code));
}

/** What `action` gives; an error of the operating system as a DataError that names the file. */
export async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw fileError(path, error);
  }
}
