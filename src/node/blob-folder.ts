import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../common/errors.ts';
import { sha256 } from '../common/sha256.ts';
import type { BlobStore } from '../threads/work.ts';
import { checkPath, writeFileAtomically } from './output-file.ts';
import { attempt } from './system-error.ts';

/**
 * A folder of bytes by their SHA-256: `cas/ab/abcdef…`, each written under another name and then renamed, so that
 * several processes may share it, also over a network file system. The folder is made at the first `put`.
 *
 * @throws ArgumentError for what is no path; each call DataError that names the file.
 */
export function folderBlobs(path: string): BlobStore {
  checkPath(path);
  const fileOf = (digest: string) => join(path, 'cas', digest.slice(0, 2), digest);
  return {
    async put(bytes) {
      const digest = await sha256(bytes);
      const file = fileOf(digest);
      const size = await stat(file).then(
        (info) => info.size,
        () => -1,
      );
      if (size === bytes.length) return digest;
      await attempt(file, () => mkdir(join(path, 'cas', digest.slice(0, 2)), { recursive: true }));
      await writeFileAtomically(file, bytes);
      return digest;
    },
    async get(digest) {
      if (!/^[0-9a-f]{64}$/.test(digest)) throw new DataError(path, undefined, `${digest} is no SHA-256`);
      const file = fileOf(digest);
      try {
        return await readFile(file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        return attempt(file, () => Promise.reject(error));
      }
    },
  };
}
