import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderFiles } from '../../node/folder-files.ts';
import type { Files, ListedFile } from '../../node/store-files.ts';
import { attempt } from '../../node/system-error.ts';
import { digestOf } from '../digest.ts';

/** What is left of a cache that was full, of its size. */
const KEPT = 0.9;

/**
 * Files of a store elsewhere, with its blobs in a folder of this machine. Several processes may share the folder. What
 * was not read for longest goes first.
 */
export class CachedFiles implements Files {
  readonly name: string;
  /** Bytes that were read here instead of elsewhere. */
  cached = 0;
  private readonly local: FolderFiles;
  /** Bytes in the folder, as far as this process knows. */
  private used: number | undefined;

  /** @param most bytes in the folder, about */
  constructor(
    private readonly elsewhere: Files,
    private readonly folder: string,
    private readonly most: number,
  ) {
    this.name = elsewhere.name;
    this.local = new FolderFiles(folder);
  }

  async read(path: string, range?: readonly [begin: number, end: number]): Promise<Uint8Array | undefined> {
    const digest = blobOf(path);
    if (!digest || range) return this.elsewhere.read(path, range);
    const here = await this.local.read(path);
    if (here && digestOf(here) === digest) {
      this.cached += here.length;
      const now = new Date();
      await attempt(this.folder, () => utimes(join(this.folder, path), now, now)).catch(() => {}); // it may have just gone
      return here;
    }
    if (here) await this.local.remove(path);
    const bytes = await this.elsewhere.read(path);
    if (bytes && digestOf(bytes) === digest) await this.keep(path, bytes);
    return bytes;
  }

  size(path: string): Promise<number | undefined> {
    return this.elsewhere.size(path);
  }

  async write(path: string, bytes: Uint8Array, keep?: boolean): Promise<boolean> {
    const written = await this.elsewhere.write(path, bytes, keep);
    if (blobOf(path)) await this.keep(path, bytes);
    return written;
  }

  async remove(path: string): Promise<void> {
    await this.local.remove(path);
    await this.elsewhere.remove(path);
  }

  list(folder: string): Promise<ListedFile[]> {
    return this.elsewhere.list(folder);
  }

  private async keep(path: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > KEPT * this.most) return;
    this.used ??= (await this.local.list('cas')).reduce((sum, file) => sum + file.bytes, 0);
    await this.local.write(path, bytes);
    this.used += bytes.length;
    if (this.used <= this.most) return;
    const files = (await this.local.list('cas')).sort((a, b) => a.written - b.written);
    this.used = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of files) {
      if (this.used <= KEPT * this.most) break;
      if (file.path === path) continue;
      await this.local.remove(file.path);
      this.used -= file.bytes;
    }
  }
}

const blobOf = (path: string): string | undefined => /^cas\/..\/([0-9a-f]{64})$/.exec(path)?.[1];
