import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { DataError } from '../common/errors.ts';
import { addLeftover, forgetLeftover } from './leftovers.ts';
import { lockFile } from './lock.ts';
import { checkPath, stemOf } from './output-file.ts';
import { attempt } from './system-error.ts';

/** The file in a folder that lists what a command wrote there, so that it may be replaced. */
export interface ListOfFiles {
  name: string;
  /** The paths that its text lists, with slashes; undefined for a text that is not ours. */
  filesOf(text: string): readonly string[] | undefined;
}

/**
 * A folder that is written under a temporary name, then renamed: at any time `path` is absent, the old folder, or
 * the whole new one. What is there already is replaced only if it is empty, or has nothing but what its list says.
 */
export class OutputFolder {
  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly list: ListOfFiles,
    private readonly unlock: () => Promise<void>,
  ) {}

  /** @throws DataError for a place that cannot be written, that another m3rec writes, or that holds something else. */
  static async create(path: string, list: ListOfFiles): Promise<OutputFolder> {
    checkPath(path);
    const parent = dirname(resolve(path));
    if (!(await stat(parent).catch(() => undefined))?.isDirectory())
      throw new DataError(path, undefined, `no folder ${dirname(path)}`);
    const unlock = await lockFile(resolve(path));
    try {
      await checkReplaceable(path, list);
      const temporary = join(parent, `.${stemOf(resolve(path))}.${randomBytes(6).toString('hex')}.tmp`);
      await attempt(path, () => mkdir(temporary));
      addLeftover(temporary);
      return new OutputFolder(path, temporary, list, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** Writes a file in it; `file` has slashes. `onPiece` is called before each piece is written. */
  async write(file: string, pieces: Iterable<string>, onPiece: (piece: string) => Promise<void>): Promise<void> {
    const target = join(this.temporary, ...file.split('/'));
    await attempt(join(this.path, file), async () => {
      await mkdir(dirname(target), { recursive: true });
      const handle = await open(target, 'wx');
      try {
        for (const piece of pieces) {
          await onPiece(piece);
          await handle.writeFile(piece);
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  /** Puts the folder in its place. */
  async commit(): Promise<void> {
    await checkReplaceable(this.path, this.list);
    await attempt(this.path, async () => {
      const place = await realpath(this.path).catch(() => this.path);
      const old = `${this.temporary.slice(0, -4)}.old.tmp`;
      const replaced = await rename(place, old).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error;
          return false;
        },
      );
      if (replaced) addLeftover(old);
      await rename(this.temporary, place);
      forgetLeftover(this.temporary);
      if (replaced) await rm(old, { recursive: true, force: true });
      forgetLeftover(old);
    });
  }

  /** Removes what was written, unless it is in its place, and lets others write there. */
  async close(): Promise<void> {
    if (forgetLeftover(this.temporary)) await rm(this.temporary, { recursive: true, force: true });
    await this.unlock();
  }
}

async function checkReplaceable(path: string, list: ListOfFiles): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (!info) return;
  if (!info.isDirectory()) throw new DataError(path, undefined, 'this is a file, where a folder is to be made');
  const found = (await attempt(path, () => readdir(path, { recursive: true, withFileTypes: true })))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(path, sep).length).replaceAll(sep, '/'));
  if (found.length === 0) return;
  const text = await readFile(join(path, list.name), 'utf8').catch(() => undefined);
  const ours = text === undefined ? undefined : list.filesOf(text);
  const other = found.find((file) => file !== list.name && !ours?.includes(file));
  if (ours && other === undefined) return;
  throw new DataError(
    path,
    undefined,
    `the folder has ${other ?? found[0]}, which is not of ${ours ? 'this' : 'a'} ${basename(list.name, '.json')} by m3rec, so it is not replaced; give another name, or remove it`,
  );
}
