// Model files in the origin's private file system, in their own folder. A file is written under another name and moved
// when it is whole; what a closed tab left half-written is removed at the next start.
import { asQuotaError, byName, checkModelName, type ModelStore, nameTaken, noModel, usageOf } from './store.ts';

const FOLDER = 'm3rec-models';
const PART = '.part';
/** Only one tab at a time writes, renames or removes. */
const LOCK = 'm3rec:write';

type Folder = FileSystemDirectoryHandle & AsyncIterable<[string, FileSystemFileHandle]>;
type Movable = FileSystemFileHandle & { move?(name: string): Promise<void> };
type SyncHandle = { write(bytes: Uint8Array): number; flush(): void; close(): void; truncate(size: number): void };
type Writable = FileSystemFileHandle & { createSyncAccessHandle?(): Promise<SyncHandle> };

/** @throws where the host has no private file system, or refuses it (as private windows may). */
export async function opfsStore(): Promise<ModelStore> {
  const root = await navigator.storage.getDirectory();
  const folder = (await root.getDirectoryHandle(FOLDER, { create: true })) as Folder;
  await exclusively(async () => {
    for await (const [name] of folder) if (name.endsWith(PART)) await folder.removeEntry(name);
    const probe = `.probe${PART}`;
    await put(folder, probe, new Uint8Array(1));
    await folder.removeEntry(probe);
  });

  const find = async (name: string) => {
    try {
      return (await folder.getFileHandle(checkModelName('name', name))) as Movable;
    } catch (error) {
      if ((error as Error).name === 'NotFoundError') throw noModel(name);
      throw error;
    }
  };
  const isTaken = async (name: string) => {
    for await (const [each] of folder) if (each === name) return true;
    return false;
  };
  const list = async () => {
    const models = [];
    for await (const [name, handle] of folder) {
      if (name.endsWith(PART)) continue;
      const file = await handle.getFile();
      models.push({ name, bytes: file.size, saved: file.lastModified });
    }
    return byName(models);
  };
  const write = (name: string, bytes: Uint8Array) =>
    exclusively(async () => {
      if (await isTaken(checkModelName('name', name))) throw nameTaken(name);
      const part = `${name}${PART}`;
      try {
        await put(folder, part, bytes);
        await move(folder, part, name);
      } catch (error) {
        await folder.removeEntry(part).catch(() => {});
        throw await asQuotaError(error, bytes.length);
      }
    });
  return {
    kind: 'opfs',
    list,
    read: async (name) => new Uint8Array(await (await (await find(name)).getFile()).arrayBuffer()),
    write,
    rename: (from, to) =>
      exclusively(async () => {
        await find(from);
        if (await isTaken(checkModelName('to', to))) throw nameTaken(to);
        await move(folder, from, to);
      }),
    remove: (name) =>
      exclusively(async () => {
        await find(name);
        await folder.removeEntry(name);
      }),
    usage: async () => usageOf(await list()),
  };
}

function exclusively<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? (navigator.locks.request(LOCK, work) as Promise<T>) : work();
}

/** Writes a file. A worker has handles that write at once; a page has streams only. */
async function put(folder: Folder, name: string, bytes: Uint8Array): Promise<void> {
  const file = (await folder.getFileHandle(name, { create: true })) as Writable;
  if (file.createSyncAccessHandle) {
    const handle = await file.createSyncAccessHandle();
    try {
      handle.truncate(0);
      if (handle.write(bytes) !== bytes.length) throw new DOMException('the file is not whole', 'QuotaExceededError');
      handle.flush();
    } finally {
      handle.close();
    }
    return;
  }
  const stream = await file.createWritable();
  await stream.write(bytes as Uint8Array<ArrayBuffer>);
  await stream.close();
}

async function move(folder: Folder, from: string, to: string): Promise<void> {
  const file = (await folder.getFileHandle(from)) as Movable;
  if (file.move) return file.move(to);
  await put(folder, to, new Uint8Array(await (await file.getFile()).arrayBuffer()));
  await folder.removeEntry(from);
}
