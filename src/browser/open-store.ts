import { type ModelStore, memoryStore } from './store.ts';

/**
 * The best store of this host: the origin's private file system where it has one, else IndexedDB, else memory.
 * Some browsers refuse the first two in private windows: each is tried with a small file.
 * @example
 * const store = await openModelStore(); // in Node: memory
 * await store.write('shop', bytes);
 * (await store.list()).length; // → 1
 */
export async function openModelStore(): Promise<ModelStore> {
  const [{ opfsStore }, { indexedDbStore }] = await Promise.all([import('./opfs-store.ts'), import('./idb-store.ts')]);
  for (const open of [opfsStore, indexedDbStore]) {
    try {
      return await open();
    } catch {
      // this host does not have it, or not now
    }
  }
  return memoryStore();
}
