import { DataError } from '../common/errors.ts';
import { sha256 } from '../common/sha256.ts';
import type { BlobStore } from '../threads/work.ts';
import { FolderFiles } from './folder-files.ts';
import { checkPath } from './output-file.ts';
import type { Files } from './store-files.ts';

/** Where the bytes of a digest lie. */
export const blobPath = (digest: string): string => `cas/${digest.slice(0, 2)}/${digest}`;

/** Keeps bytes under their digest. @returns whether they were not there */
export async function putBlob(files: Files, digest: string, bytes: Uint8Array): Promise<boolean> {
  const path = blobPath(digest);
  return (await files.size(path)) !== bytes.length && files.write(path, bytes);
}

/**
 * A folder of bytes by their SHA-256: `cas/ab/abcdef…`, each written under another name and then renamed, so that
 * several processes may share it, also over a network file system. The folder is made at the first `put`.
 *
 * @throws ArgumentError for what is no path; each call DataError that names the folder.
 */
export function folderBlobs(path: string): BlobStore {
  checkPath(path);
  const files = new FolderFiles(path);
  return {
    async put(bytes) {
      const digest = await sha256(bytes);
      await putBlob(files, digest, bytes);
      return digest;
    },
    async get(digest) {
      if (!/^[0-9a-f]{64}$/.test(digest)) throw new DataError(path, undefined, `${digest} is no SHA-256`);
      return files.read(blobPath(digest));
    },
  };
}
