// Calls across a worker's border: the same methods outside as inside, with progress, cancellation and typed
//
//   page → worker   { id, method, input }, { id, abort: true }
//   worker → page   { id, progress }*, then { id, value } or { id, error }
//   both            { alive }: the name of a lock that the worker holds as long as it lives
//
// A thrown error crosses as its name, message and plain fields, and is rebuilt as the class of that name.

import {
  AbortedError,
  ArgumentError,
  DataError,
  M3RecError,
  MemoryError,
  ModelFileError,
  WorkerError,
} from '../common/errors.ts';
import type { Transferred } from '../common/host-types.ts';
import type { Progress } from '../common/job.ts';
import { QuotaError } from './store.ts';

/** What every method may be called with. */
export interface CallOptions {
  /** Is called with the first and the last report of each stage, and at most ten a second between. */
  onProgress?: (progress: Progress) => void;
  /** Stops the call: it rejects with AbortedError as soon as the worker has stopped. */
  signal?: AbortSignal;
}

/** Methods as they are written inside the worker: one input, and what to report progress to and be stopped by. */
export type Methods = Record<string, (input: never, options: Required<CallOptions>) => unknown>;

/** The same methods outside: each returns a promise. */
export type Remote<M extends Methods> = {
  [K in keyof M]: Parameters<M[K]> extends []
    ? (input?: undefined, options?: CallOptions) => Promise<Awaited<ReturnType<M[K]>>>
    : (input: Parameters<M[K]>[0], options?: CallOptions) => Promise<Awaited<ReturnType<M[K]>>>;
} & {
  /** Ends the worker. Calls that are under way, and all later ones, reject with WorkerError. */
  close(): void;
};

interface Port {
  postMessage(message: unknown, transfer: Transferred[]): void;
  addEventListener(type: string, listener: (event: object) => void): void;
}

interface SentError {
  name: string;
  message: string;
  fields: Record<string, unknown>;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  onProgress?: (progress: Progress) => void;
}

/** By the name that an error carries, which a minifier leaves as it is. */
const CLASSES: Record<string, { prototype: Error }> = {
  M3RecError,
  ArgumentError,
  DataError,
  ModelFileError,
  MemoryError,
  WorkerError,
  AbortError: AbortedError,
  QuotaError,
};
const transfers = new WeakMap<object, Transferred[]>();

/**
 * Marks what of a method's result is moved to the page instead of copied. Returns the value.
 * @example
 * const result = { bytes: new Uint8Array(4) };
 * moving(result, [result.bytes.buffer]) === result; // → true
 */
export function moving<T extends object>(value: T, transfer: Transferred[]): T {
  transfers.set(value, transfer);
  return value;
}

/**
 * Answers calls inside a worker.
 *
 * @param scope `self` of a worker, or a MessagePort.
 * @example
 * const { port1, port2 } = new MessageChannel(); // in a worker: serveCalls(self, …)
 * serveCalls(port1, { double: (x) => 2 * x });
 * port1.start();
 */
export function serveCalls(scope: Port, methods: Methods): void {
  const running = new Map<number, AbortController>();
  scope.addEventListener('message', (async ({ data }: { data: Request | Alive }) => {
    if (typeof data !== 'object' || data === null) return;
    if ('alive' in data) {
      await locks()?.request(data.alive, () => {
        scope.postMessage(data, []);
        return new Promise(() => {});
      });
      return;
    }
    if (typeof data.id !== 'number') return;
    const { id } = data;
    if ('abort' in data) return running.get(id)?.abort();
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const method = Object.hasOwn(methods, data.method) ? methods[data.method] : undefined;
      if (!method) throw new ArgumentError('method', data.method, Object.keys(methods).join(', '));
      const onProgress = seldom((progress) => scope.postMessage({ id, progress }, []));
      const value = await method(data.input as never, { onProgress, signal: controller.signal });
      const isObject = typeof value === 'object' && value !== null;
      scope.postMessage({ id, value }, (isObject && transfers.get(value)) || []);
    } catch (error) {
      scope.postMessage({ id, error: sent(error) }, []);
    } finally {
      running.delete(id);
    }
  }) as unknown as (event: object) => void);
}

/** A page that draws more often is busy with nothing else. */
const PROGRESS_EVERY_MS = 100;

/** Passes on the first and the last report of each stage, and at most ten a second between. */
function seldom(report: (progress: Progress) => void): (progress: Progress) => void {
  let stage: string | undefined;
  let last = 0;
  return (progress) => {
    const now = performance.now();
    if (progress.stage === stage && progress.done < progress.total && now - last < PROGRESS_EVERY_MS) return;
    stage = progress.stage;
    last = now;
    report(progress);
  };
}

/** Of one worker: it holds a lock of this name, which its page gets when the worker ends, whatever ended it. */
interface Alive {
  alive: string;
}

const locks = () => (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;

/** Asks the worker to hold a lock; the name, if this host has locks and the port is a worker's. */
function askForSign(worker: Port): string | undefined {
  if (!locks() || typeof Worker !== 'function' || !(worker instanceof Worker)) return undefined;
  const alive = `m3rec:worker:${crypto.randomUUID()}`;
  worker.postMessage({ alive });
  return alive;
}

type Request =
  | { id: number; method: string; input: unknown }
  | ({ id: number; abort: true } & { method: never; input: never });

/**
 * The methods of a worker that runs `serveCalls`, as promises. An error of the worker itself (its script did not load,
 * it ran out of memory), or its end, where the browser has Web Locks, rejects every call that is under way and all
 * later ones with WorkerError.
 * @param onEnd called once with that error, unless `close` was called before.
 * @example
 * const { port1, port2 } = new MessageChannel(); // in a page: connectCalls(new Worker(…))
 * serveCalls(port1, { double: (x) => 2 * x });
 * port1.start();
 * port2.start();
 * const remote = connectCalls(port2);
 * await remote.double(2); // → 4
 * remote.close();
 */
export function connectCalls<M extends Methods>(
  worker: Port & { terminate?(): void; close?(): void },
  onEnd: (error: WorkerError) => void = () => {},
): Remote<M> {
  const pending = new Map<number, Pending>();
  let last = 0;
  let ended: WorkerError | undefined;
  const end = (message: string, isWanted = false) => {
    const isFirst = ended === undefined;
    ended ??= new WorkerError(message);
    if (isFirst && !isWanted) onEnd(ended);
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
  };
  const alive = askForSign(worker);
  const watching = new AbortController();
  worker.addEventListener('message', (({ data }: { data: Reply | Alive }) => {
    if (typeof data === 'object' && data !== null && 'alive' in data) {
      // only a worker that has it can lose it
      if (data.alive === alive)
        locks()!
          .request(alive, { signal: watching.signal }, () => end('the worker ended: the browser stopped it'))
          .catch(() => {});
      return;
    }
    const call = pending.get(data?.id);
    if (!call) return;
    if ('progress' in data) return call.onProgress?.(data.progress);
    pending.delete(data.id);
    if ('error' in data) call.reject(rebuilt(data.error));
    else call.resolve(data.value);
  }) as unknown as (event: object) => void);
  worker.addEventListener('messageerror', () => end('the worker sent a message that could not be read'));
  worker.addEventListener('error', ((event: ErrorEvent) => {
    event.preventDefault?.();
    end(`the worker ended: ${event.message || 'it could not be loaded, or ran out of memory'}`);
  }) as unknown as (event: object) => void);

  const call = (method: string, input: unknown, { onProgress, signal }: CallOptions = {}) =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      if (signal?.aborted) return reject(new AbortedError(`${method} was stopped before it began`));
      const id = ++last;
      const abort = () => worker.postMessage({ id, abort: true }, []);
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T) => {
          signal?.removeEventListener('abort', abort);
          how(value);
        };
      pending.set(id, { resolve: settle(resolve), reject: settle(reject), onProgress });
      signal?.addEventListener('abort', abort, { once: true });
      try {
        worker.postMessage({ id, method, input }, []);
      } catch (error) {
        // what cannot be cloned never left this page
        pending.get(id)?.reject(new ArgumentError(method, input, `what a worker can be sent (${error})`));
        pending.delete(id);
      }
    });
  const close = () => {
    end('the worker was closed', true);
    watching.abort();
    worker.terminate?.();
    worker.close?.();
  };
  return new Proxy({ close } as Remote<M>, {
    get: (target, name) => {
      if (name === 'close') return target.close;
      // a promise that resolves to this object must not take it for a promise
      if (typeof name !== 'string' || name === 'then') return undefined;
      return (input: unknown, options?: CallOptions) => call(name, input, options);
    },
  });
}

type Reply = { id: number } & ({ progress: Progress } | { value: unknown } | { error: SentError });

function sent(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), fields: {} };
  const fields = Object.entries(error).filter(
    ([, value]) => value === null || ['string', 'number', 'boolean'].includes(typeof value),
  );
  return { name: error.name, message: error.message, fields: Object.fromEntries(fields) };
}

function rebuilt({ name, message, fields }: SentError): Error {
  const error = new Error(message);
  if (Object.hasOwn(CLASSES, name)) Object.setPrototypeOf(error, CLASSES[name].prototype);
  return Object.assign(error, fields, { name });
}
