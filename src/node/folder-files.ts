import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Files, ListedFile } from './store-files.ts';
import { attempt } from './system-error.ts';

/** A temporary file of this age was left by a process that has ended. */
const STALE_MS = 3_600_000;

const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

function unlessMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

/**
 * Files of a folder of this machine or of a network file system. A file is written under a temporary name next to its
 * own, synced, then renamed or linked: nothing is ever changed in place, so caches of a network file system cannot
 * show a mixture.
 * @throws DataError that names the folder, from every method.
 */
export class FolderFiles implements Files {
  constructor(
    private readonly folder: string,
    readonly name = folder,
  ) {}

  read(path: string, range?: readonly [begin: number, end: number]): Promise<Uint8Array | undefined> {
    return attempt(this.name, async () => {
      if (!range) return readFile(this.at(path)).catch(unlessMissing);
      const file = await open(this.at(path)).catch(unlessMissing);
      if (!file) return undefined;
      try {
        const bytes = Buffer.alloc(range[1] - range[0]);
        const { bytesRead } = await file.read(bytes, 0, bytes.length, range[0]);
        return bytes.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    });
  }

  size(path: string): Promise<number | undefined> {
    return attempt(this.name, async () => (await stat(this.at(path)).catch(unlessMissing))?.size);
  }

  write(path: string, bytes: Uint8Array, keep = false): Promise<boolean> {
    return attempt(this.name, async () => {
      const target = this.at(path);
      await mkdir(dirname(target), { recursive: true });
      const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`;
      try {
        const file = await open(temporary, 'wx');
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        if (!keep) {
          await rename(temporary, target);
          return true;
        }
        try {
          // fails where the target is there, on network file systems too, which a rename would replace
          await link(temporary, target);
          return true;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
          return false;
        }
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  remove(path: string): Promise<void> {
    return attempt(this.name, () => rm(this.at(path), { force: true }));
  }

  list(folder: string): Promise<ListedFile[]> {
    return attempt(this.name, async () => {
      const found: ListedFile[] = [];
      const entries =
        (await readdir(this.at(folder), { withFileTypes: true, recursive: true }).catch(unlessMissing)) ?? [];
      for (const entry of entries) {
        if (!entry.isFile()) continue;
        const file = join(entry.parentPath ?? entry.path, entry.name); // Node 20.0 to 20.11 have the second alone
        const written = await stat(file).catch(unlessMissing);
        if (!written) continue;
        if (!entry.name.endsWith('.tmp'))
          found.push({
            path: file.slice(this.folder.length + 1).replaceAll('\\', '/'),
            bytes: written.size,
            written: written.mtimeMs,
          });
        else if (Date.now() - written.mtimeMs > STALE_MS) await rm(file, { force: true });
      }
      return found.sort((a, b) => (a.path < b.path ? -1 : 1));
    });
  }

  private at(path: string): string {
    return join(this.folder, path);
  }
}
