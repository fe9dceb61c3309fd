// What every fuzz target shares: the shape of a target, what counts as a proper refusal, and the watch over allocations
// and prototypes. Random numbers come from (seed, target, case), so a case can be made again by itself.
import { M3RecError } from '../../src/common/errors.ts';

/** What came of one case. */
export interface Outcome {
  /** In a few words, for the table: `accepted`, or the class of the error. */
  kind: string;
  /** The refusal, whose stack says which check it was. */
  error?: Error;
}

export interface Target {
  name: string;
  /** Cases for each mutated model file of a run. */
  share: number;
  /** Whether a failing input may be cut to find a shorter one that fails alike. */
  shrinks: boolean;
  /** Runs before the first case; loads what the cases need. */
  prepare?: () => Promise<void>;
  /** The input of a case: a file, or bytes that `run` turns into arguments. `draw(n)` is uniform in 0 … n − 1. */
  make(random: Random): Uint8Array;
  /** @throws Violation, or whatever the library should not have thrown. */
  run(input: Uint8Array): Promise<Outcome>;
}

/** Uniform integers. */
export interface Random {
  below(n: number): number;
}

/** The library did what it must not. */
export class Violation extends Error {
  override name = 'Violation';
}

export function check(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new Violation(complaint);
}

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)];
}

export function randomBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random.below(256);
  return bytes;
}

const CONTROL = /\p{Cc}|\u2028|\u2029/u;
const MAX_MESSAGE = 4096;

/** The outcome of a typed error whose message is one line; anything else is thrown on. */
export function refusal(error: unknown): Outcome {
  if (error instanceof Violation || !(error instanceof M3RecError)) throw error;
  const { message } = error;
  check(
    message.length > 10 && message.length <= MAX_MESSAGE,
    `a message of ${message.length} characters: ${JSON.stringify(message.slice(0, 200))}`,
  );
  check(!CONTROL.test(message), `a message of more than one line: ${JSON.stringify(message)}`);
  check(
    !/\[object |(?<!found |of type )\bundefined\b/.test(message.replace(/"(\\.|[^"\\])*"/g, '""')),
    `a message that names nothing: ${JSON.stringify(message)}`,
  );
  return { kind: error.constructor.name, error };
}

export async function outcomeOf(work: () => unknown): Promise<Outcome> {
  try {
    await work();
  } catch (error) {
    return refusal(error);
  }
  return { kind: 'accepted' };
}

/** Turns bytes into choices; when they are used up, every choice is the first. */
export class Choices implements Random {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  below(n: number): number {
    let value = this.byte();
    if (n > 256) value = value * 65536 + this.byte() * 256 + this.byte();
    return value % n;
  }

  private byte(): number {
    return this.at < this.bytes.length ? this.bytes[this.at++] : 0;
  }
}

// --- allocations ----------------------------------------------------------------------------------------------------

let budget = Infinity;
let installed = false;

/**
 * From here on, an array or buffer whose size the code under test asks for is refused above `budget` bytes, before it
 * is allocated. Only constructors called by their global names are seen: literals, slices and strings are bounded by
 * the heap limit.
 */
export function watchAllocations(): void {
  if (installed) return;
  installed = true;
  const scope = globalThis as unknown as Record<string, new (...args: unknown[]) => object>;
  for (const name of [
    'Array',
    'ArrayBuffer',
    'SharedArrayBuffer',
    'Int8Array',
    'Uint8Array',
    'Int16Array',
    'Uint16Array',
    'Int32Array',
    'Uint32Array',
    'Float32Array',
    'Float64Array',
  ]) {
    const original = scope[name];
    const width =
      name === 'Array' ? 8 : ((original as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1);
    const watched: typeof original = new Proxy(original, {
      construct(target, args, newTarget) {
        const [first] = args;
        const count =
          typeof first === 'number'
            ? first
            : Array.isArray(first) || (ArrayBuffer.isView(first) && 'length' in first)
              ? (first as { length: number }).length
              : 0;
        if (args.length === 1 && count * width > budget)
          throw new Violation(`new ${name}(${count}): ${count * width} bytes where ${budget} are allowed`);
        return Reflect.construct(target, args, newTarget === watched ? target : newTarget);
      },
    });
    scope[name] = watched;
  }
}

/** Runs `work` with at most `bytes` for any one array. */
export async function within<T>(bytes: number, work: () => T | Promise<T>): Promise<T> {
  const before = budget;
  budget = bytes;
  try {
    return await work();
  } finally {
    budget = before;
  }
}

// --- prototypes -----------------------------------------------------------------------------------------------------

const WATCHED = { Object, Array, Function, String, Number, Map, Set, Promise, Uint8Array, Float32Array, Int32Array };
const snapshot = new Map<string, Map<PropertyKey, PropertyDescriptor>>();

function descriptors(value: object): Map<PropertyKey, PropertyDescriptor> {
  return new Map(Reflect.ownKeys(value).map((key) => [key, Object.getOwnPropertyDescriptor(value, key)!]));
}

/** Remembers what the prototypes hold now. */
export function rememberPrototypes(): void {
  for (const [name, { prototype }] of Object.entries(WATCHED)) snapshot.set(name, descriptors(prototype));
}

/** Which keys came, which went: cheap enough for every case. */
export function checkPrototypeKeys(): void {
  for (const name of ['Object', 'Array'] as const) {
    const keys = Reflect.ownKeys(WATCHED[name].prototype);
    const known = snapshot.get(name)!;
    const added = keys.filter((key) => !known.has(key));
    for (const key of added) delete (WATCHED[name].prototype as unknown as Record<PropertyKey, unknown>)[key];
    check(
      added.length === 0 && keys.length === known.size,
      `${name}.prototype was changed: ${added.map(String).join(', ') || 'a key is gone'}`,
    );
  }
}

/** Whether every property of every watched prototype is the one that was there. */
export function checkPrototypes(): void {
  checkPrototypeKeys();
  for (const [name, { prototype }] of Object.entries(WATCHED)) {
    const now = descriptors(prototype);
    for (const [key, was] of snapshot.get(name)!) {
      const is = now.get(key);
      if (is?.value !== was.value) Object.defineProperty(prototype, key, was);
      check(
        is !== undefined && is.value === was.value && is.get === was.get && is.set === was.set,
        `${name}.prototype.${String(key)} was changed`,
      );
    }
    check(now.size === snapshot.get(name)!.size, `${name}.prototype has other keys than before`);
  }
}
