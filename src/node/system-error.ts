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

/** Describes an error of the operating system, by its code, in a few words. */
export function reasonOf(code: string): string {
  return REASONS[code] ?? code;
}

/**
 * An error at a file, as a DataError that names the file. An error without a code, or one of m3rec's, stays as it is.
 */
export function fileError(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || error instanceof M3RecError) return error as Error;
  return new DataError(path, undefined, reasonOf(code));
}

/** The result of `action`. Turns an error of the operating system into a DataError that names the file. */
export async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw fileError(path, error);
  }
}
