// Model files in IndexedDB: bytes and facts of a model are one value, so a file is whole or absent.
import { createStore, del, entries, get, update } from 'idb-keyval';
import { asQuotaError, byName, checkModelName, type ModelStore, nameTaken, noModel, usageOf } from './store.ts';

interface Stored {
  bytes: Uint8Array<ArrayBuffer>;
  saved: number;
}

/** @throws where the host has no IndexedDB, or refuses it (as private windows may). */
export async function indexedDbStore(): Promise<ModelStore> {
  const store = createStore('m3rec', 'models');
  await get('probe', store);
  const find = async (name: string) => {
    const model = await get<Stored>(checkModelName('name', name), store);
    if (!model) throw noModel(name);
    return model;
  };
  const list = async () =>
    byName(
      (await entries<string, Stored>(store)).map(([name, { bytes, saved }]) => ({ name, bytes: bytes.length, saved })),
    );
  /** Refuses a name that another tab has taken, in the transaction that writes. */
  const add = async (name: string, model: Stored) => {
    let taken = false;
    try {
      await update<Stored>(
        checkModelName('name', name),
        (before) => {
          taken = before !== undefined;
          return before ?? model;
        },
        store,
      );
    } catch (error) {
      throw await asQuotaError(error, model.bytes.length);
    }
    if (taken) throw nameTaken(name);
  };
  return {
    kind: 'indexeddb',
    list,
    read: async (name) => (await find(name)).bytes,
    write: (name, bytes) => add(name, { bytes: new Uint8Array(bytes), saved: Date.now() }),
    rename: async (from, to) => {
      await add(to, await find(from));
      await del(from, store);
    },
    remove: async (name) => {
      await find(name);
      await del(name, store);
    },
    usage: async () => usageOf(await list()),
  };
}
