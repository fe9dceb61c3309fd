// A unit of work that can run anywhere: a pure function from bytes to bytes, with a name. Whoever runs it may be this
// process, other processes or other machines; the result is the same bytes.
import { canonicalJson } from '../common/canonical-json.ts';
import { ArgumentError } from '../common/errors.ts';
import type { JobOptions } from '../common/job.ts';
import { sha256 } from '../common/sha256.ts';
import type { Codec } from '../engine/stage.ts';
import type { ThreadOptions } from './pool.ts';

/** Bytes by their SHA-256: in memory, in a folder, or somewhere that several machines reach. */
export interface BlobStore {
  /** Keeps the bytes; those that are there already cost nothing. @returns their digest */
  put(bytes: Uint8Array): Promise<string>;
  /** @returns undefined for a digest whose bytes are not there. */
  get(digest: string): Promise<Uint8Array | undefined>;
}

/** What a work runs with. */
export interface WorkContext extends JobOptions {
  /** What inputs name by their digest, and where large results go. */
  readonly blobs: BlobStore;
  /** Threads inside the work; the result does not depend on them. */
  readonly threads: ThreadOptions;
  /** Says how long a part took, or another figure of this run that the result must not hold. */
  measured(name: string, value: number): void;
  /** Seconds of processor time of all threads so far, where whoever runs the work can tell. */
  readonly processor?: () => number;
}

/** One sort of work. Equal inputs give equal results, byte for byte. */
export interface WorkKind<In, Out> {
  /** By it another machine finds the same function. */
  readonly name: string;
  /** Another number where the same input gives another result than before. */
  readonly version: number;
  readonly input: Codec<In>;
  readonly output: Codec<Out>;
  run(input: In, context: WorkContext): Promise<Out>;
}

/** One work to do. */
export interface Work<In, Out> {
  readonly kind: WorkKind<In, Out>;
  readonly input: In;
}

/** How a work was done: what its result does not tell. */
export interface WorkReport {
  /** As `workKey` gives it. */
  key: string;
  /** From its start to its end, by the clock of who ran it. */
  seconds: number;
  /** What the work said by `measured`. */
  measured: Record<string, number>;
  /** Whether the result was there already. */
  reused: boolean;
  /** Who ran it, where that is not this process. */
  by?: string;
}

/** What `Executor.run` takes. */
export interface ExecutorOptions<Out> extends JobOptions {
  /**
   * Called with each result as soon as it is there, in any order; awaited. What it throws ends the run.
   * @param index of the work in the list
   */
  onResult?: (index: number, output: Out, report: WorkReport) => void | Promise<void>;
}

/** Runs works. */
export interface Executor {
  /** What inputs name by digest must be put here first. */
  readonly blobs: BlobStore;
  /** How many works run at the same time, about; for guesses of the time that is left. */
  readonly parallel: number;
  /**
   * Runs all works and gives their results in the order of the list.
   * @throws what a work throws, as soon as it does; AbortedError when stopped through the signal.
   */
  run<In, Out>(works: readonly Work<In, Out>[], options?: ExecutorOptions<Out>): Promise<Out[]>;
}

/**
 * The name of a result: SHA-256 of the kind, its version, the input and, if results of other builds must not be taken,
 * the build.
 */
export async function workKey(
  kind: Pick<WorkKind<never, never>, 'name' | 'version'>,
  input: Uint8Array,
  build = '',
): Promise<string> {
  const { name, version } = kind;
  const recipe = canonicalJson({ work: name, version, build, input: await sha256(input) });
  return sha256(new TextEncoder().encode(recipe));
}

/**
 * Values that JSON can hold, with sorted keys: equal values give equal bytes.
 * @example
 * new TextDecoder().decode(jsonCodec().encode({ b: 1, a: 2 })); // → '{"a":2,"b":1}'
 */
export function jsonCodec<T>(): Codec<T> {
  return {
    encode: (value) => new TextEncoder().encode(canonicalJson(value)),
    decode: (bytes) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as T,
  };
}

/**
 * A store in memory, for works that stay in this process.
 * @example
 * const blobs = memoryBlobs();
 * (await blobs.get(await blobs.put(Uint8Array.of(1, 2)))).length; // → 2
 */
export function memoryBlobs(): BlobStore {
  const all = new Map<string, Uint8Array>();
  return {
    put: async (bytes) => {
      const digest = await sha256(bytes);
      if (!all.has(digest)) all.set(digest, bytes.slice());
      return digest;
    },
    get: async (digest) => all.get(digest),
  };
}

/** The bytes of a digest. @throws ArgumentError where the store has none, or others. */
export async function readBlob(blobs: BlobStore, digest: string): Promise<Uint8Array> {
  const bytes = await blobs.get(digest);
  if (!bytes) throw ArgumentError.because('blobs', `there are no bytes with the SHA-256 ${digest}; put them first`);
  if ((await sha256(bytes)) !== digest)
    throw ArgumentError.because('blobs', `the bytes kept as ${digest} are others: remove them and put them again`);
  return bytes;
}
