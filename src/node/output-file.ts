import { randomBytes } from 'node:crypto';
import { type FileHandle, lstat, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ArgumentError, DataError } from '../common/errors.ts';
import { addLeftover, forgetLeftover } from './leftovers.ts';
import { attempt } from './system-error.ts';

/** An existing file. Its own type, so that the package's types need none of Node's. */
interface Existing {
  size: number;
  mode: number;
  uid: number;
  gid: number;
}

/** A temporary file that was not written to for this long was left by a process that has ended. */
const STALE_MS = 3_600_000;
/** Longest name of a file, in bytes, on the usual file systems. */
const MAX_NAME = 255;
/** The part after `.NAME.` in the name of a temporary file. */
const TEMPORARY = /^[0-9a-f]{12}\.tmp$/;

/**
 * Writes a file so that `path` is always absent, the old file, or the whole new one: a temporary file `.NAME.<12 hex
 * digits>.tmp` in the same folder, synced, then renamed. On a failure the temporary file is removed; one that a killed
 * process left behind is removed by the first save to the same path an hour or more later. A replaced file keeps its
 * owner and mode. A link stays, and its target is replaced.
 *
 * @throws DataError that names the file, for a folder, a device, a pipe or a read-only file too.
 * @example
 * await writeFileAtomically('shop.m3rec', bytes);
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const file = await OutputFile.create(path);
  try {
    await file.write(bytes);
    await file.commit();
  } finally {
    await file.discard();
  }
}

/** A file that is written in pieces under a temporary name, then renamed: see `writeFileAtomically`. */
export class OutputFile {
  /** Bytes written. */
  size = 0;

  private constructor(
    private readonly path: string,
    private readonly target: string,
    private readonly temporary: string,
    private file: FileHandle | undefined,
  ) {}

  /**
   * Makes the temporary file, so that missing rights, read-only mounts and names that are too long fail here. @throws
   * DataError
   */
  static async create(path: string): Promise<OutputFile> {
    const { target, existing } = await findTarget(path);
    return attempt(path, async () => {
      await removeStale(target);
      const temporary = join(dirname(target), `.${stemOf(target)}.${randomBytes(6).toString('hex')}.tmp`);
      const file = await open(temporary, 'wx');
      addLeftover(temporary);
      const created = new OutputFile(path, target, temporary, file);
      try {
        if (existing) await keepOwner(path, file, existing);
        return created;
      } catch (error) {
        await created.discard();
        throw error;
      }
    });
  }

  async write(piece: Uint8Array | string): Promise<void> {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    await attempt(this.path, () => this.file!.writeFile(bytes));
    this.size += bytes.length;
  }

  /** Renames the file to its name. */
  async commit(): Promise<void> {
    await attempt(this.path, async () => {
      await this.file!.sync();
      await this.close();
      await rename(this.temporary, this.target);
      forgetLeftover(this.temporary);
    });
  }

  /** Removes the temporary file, unless it was renamed. */
  async discard(): Promise<void> {
    await this.close();
    if (forgetLeftover(this.temporary)) await rm(this.temporary, { force: true });
  }

  private async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }
}

/**
 * The path where a file of this name would be written, links followed, and the file that exists there.
 * @throws DataError unless this is a writable file, or none in an existing folder.
 */
export async function findTarget(path: string): Promise<{ target: string; existing?: Existing }> {
  checkPath(path);
  if (path.includes('\ufffd'))
    throw new DataError(path, undefined, 'the name has bytes that are not UTF-8; give another name');
  const folder = dirname(path);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new DataError(path, undefined, `no folder ${folder}`);
  return attempt(path, async () => {
    const link = await lstat(path).catch(unlessMissing);
    if (!link) return { target: path };
    const existing = link.isSymbolicLink() ? await stat(path).catch(unlessMissing) : link;
    if (!existing)
      throw new DataError(path, undefined, 'this is a broken link; remove it, or give the file that it should lead to');
    if (existing.isDirectory()) throw new DataError(path, undefined, 'this is a folder; give the name of a file');
    if (!existing.isFile())
      throw new DataError(path, undefined, 'this is a device, pipe or socket; give the name of a regular file');
    if ((existing.mode & 0o222) === 0)
      throw new DataError(path, undefined, 'the file is read-only; give another name, or make it writable');
    return { target: link.isSymbolicLink() ? await realpath(path) : path, existing };
  });
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** Gives the new file the owner, group and mode of the replaced one. */
async function keepOwner(path: string, file: FileHandle, { uid, gid, mode }: Existing): Promise<void> {
  const own = await file.stat();
  try {
    if (own.uid !== uid || own.gid !== gid) await file.chown(uid, gid);
    await file.chmod(mode & 0o7777);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    throw new DataError(
      path,
      undefined,
      'the file belongs to another user or group, and its replacement would not; give another name',
    );
  }
}

/** The last part of a path, cut so that `.NAME.<12 hex digits>.lock` is short enough for file systems. */
export function stemOf(path: string): string {
  let stem = basename(path);
  while (Buffer.byteLength(stem) > MAX_NAME - '..0123456789ab.lock'.length) stem = [...stem].slice(0, -1).join('');
  return stem;
}

async function removeStale(path: string): Promise<void> {
  const folder = dirname(path);
  const start = `.${stemOf(path)}.`;
  for (const name of await readdir(folder)) {
    if (!name.startsWith(start) || !TEMPORARY.test(name.slice(start.length))) continue;
    const left = join(folder, name);
    // Another process may have removed it first, or it may belong to another user. Neither should stop the save.
    const written = await stat(left).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (Date.now() - written > STALE_MS) await rm(left, { force: true }).catch(() => {});
  }
}

/** @throws ArgumentError unless this is text that can be the path of a file. */
export function checkPath(path: unknown): void {
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw new ArgumentError('path', path, 'the path of a file or folder, as text');
}
