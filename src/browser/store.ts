// Where a page keeps model files: one contract, three stores. None overwrites, and a file is whole or absent.
import { ArgumentError, M3RecError } from '../common/errors.ts';

/** A model file in a store. */
export interface StoredModel {
  name: string;
  bytes: number;
  /** Milliseconds since 1970. */
  saved: number;
}

/** How much room a store has; numbers are the browser's own estimates, absent where it gives none. */
export interface StoreUsage {
  /** Bytes of the models in this store. */
  models: number;
  /** Bytes that this origin may still use. */
  free?: number;
  /** Whether the browser keeps the store until the user deletes it. */
  persistent: boolean;
}

/** A place for model files. Names are 1 to 64 letters, digits, `-`, `_` and `.`, and do not begin with a dot. */
export interface ModelStore {
  /** What it is: `opfs`, `indexeddb`, or `memory` (gone when the page closes). */
  readonly kind: 'opfs' | 'indexeddb' | 'memory';
  /** Models by name, in the order of their names' UTF-16 code units. */
  list(): Promise<StoredModel[]>;
  /** @throws ArgumentError where there is no such model. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /** @throws ArgumentError where the name is taken or is no name; QuotaError where the bytes do not fit. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** @throws ArgumentError where there is no such model, or the new name is taken. */
  rename(from: string, to: string): Promise<void>;
  /** @throws ArgumentError where there is no such model. */
  remove(name: string): Promise<void>;
  usage(): Promise<StoreUsage>;
}

/** The browser's store has no room for a file. */
export class QuotaError extends M3RecError {
  override name = 'QuotaError';
  constructor(
    readonly neededBytes: number,
    readonly freeBytes: number | undefined,
  ) {
    const left = freeBytes === undefined ? '' : `, ${megabytes(freeBytes)} are left`;
    super(
      `the browser's store is full: the model needs ${megabytes(neededBytes)}${left}; ` +
        'delete a model, or download this one instead',
    );
  }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/**
 * @throws ArgumentError for what is no name of a stored model.
 * @example
 * checkModelName('name', 'shop'); // → 'shop'
 */
export function checkModelName(argument: string, name: unknown): string {
  if (typeof name !== 'string' || !/^[\w-][\w.-]{0,63}$/.test(name)) {
    throw new ArgumentError(argument, name, 'a name of 1 to 64 letters, digits, -, _ and ., not beginning with a dot');
  }
  return name;
}

/**
 * The name itself where it is free, else the first of name-2, name-3 … that is.
 * @example
 * freeName('shop', []); // → 'shop'
 */
export function freeName(name: string, models: readonly StoredModel[]): string {
  const taken = new Set(models.map((model) => model.name));
  const base = checkModelName('name', name).slice(0, 60);
  if (!taken.has(name)) return name;
  for (let number = 2; ; number++) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
}

/**
 * A store that lasts as long as the page.
 * @example
 * const store = memoryStore();
 * await store.write('shop', bytes);
 * (await store.list()).map(({ name }) => name); // → ['shop']
 */
export function memoryStore(): ModelStore {
  const models = new Map<string, { bytes: Uint8Array<ArrayBuffer>; saved: number }>();
  const find = (name: string) => {
    const model = models.get(name);
    if (!model) throw noModel(name);
    return model;
  };
  return {
    kind: 'memory',
    list: async () => byName([...models].map(([name, { bytes, saved }]) => ({ name, bytes: bytes.length, saved }))),
    read: async (name) => find(name).bytes.slice(),
    write: async (name, bytes) => {
      if (models.has(checkModelName('name', name))) throw nameTaken(name);
      models.set(name, { bytes: new Uint8Array(bytes), saved: Date.now() });
    },
    rename: async (from, to) => {
      const model = find(from);
      if (models.has(checkModelName('to', to))) throw nameTaken(to);
      models.delete(from);
      models.set(to, model);
    },
    remove: async (name) => {
      find(name);
      models.delete(name);
    },
    usage: async () => ({
      models: [...models.values()].reduce((sum, { bytes }) => sum + bytes.length, 0),
      persistent: false,
    }),
  };
}

export const noModel = (name: string) => new ArgumentError('name', name, 'the name of a stored model');
export const nameTaken = (name: string) => new ArgumentError('name', name, 'a name that no stored model has');

export function byName(models: StoredModel[]): StoredModel[] {
  return models.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What the browser says of its room; without an estimate, nothing but the models. */
export async function usageOf(models: readonly StoredModel[]): Promise<StoreUsage> {
  const storage = globalThis.navigator?.storage;
  const estimate = await storage?.estimate?.().catch(() => undefined);
  const free = estimate?.quota === undefined ? undefined : Math.max(0, estimate.quota - (estimate.usage ?? 0));
  const persistent = (await storage?.persisted?.().catch(() => false)) ?? false;
  return { models: models.reduce((sum, { bytes }) => sum + bytes, 0), free, persistent };
}

/** A browser's refusal as QuotaError; any other error as it is. */
export async function asQuotaError(error: unknown, bytes: number): Promise<unknown> {
  if ((error as { name?: string })?.name !== 'QuotaExceededError') return error;
  return new QuotaError(bytes, (await usageOf([])).free);
}
