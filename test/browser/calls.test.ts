import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { connectCalls, moving, serveCalls } from '../../src/browser/calls.ts';
import { QuotaError } from '../../src/browser/store.ts';
import {
  AbortedError,
  ArgumentError,
  DataError,
  MemoryError,
  ModelFileError,
  WorkerError,
} from '../../src/common/errors.ts';

const methods = {
  double: (x: number) => 2 * x,
  async slowly(steps: number, { onProgress, signal }: { onProgress: (p: never) => void; signal: AbortSignal }) {
    for (let done = 0; done < steps; done++) {
      onProgress({ stage: 'steps', done, total: steps } as never);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (signal.aborted) throw new AbortedError(`stopped at ${done} of ${steps}`);
    }
    onProgress({ stage: 'steps', done: steps, total: steps } as never);
    return steps;
  },
  fail(kind: string) {
    if (kind === 'argument') throw new ArgumentError('k', 0, 'an integer from 1');
    if (kind === 'data') throw new DataError('de.csv', 12, 'found 2 columns, expected 3');
    if (kind === 'memory') throw new MemoryError('needs 5 GB');
    if (kind === 'file') throw new ModelFileError('damaged at byte 8');
    if (kind === 'quota') throw new QuotaError(8e6, 3e6);
    throw 'no error at all';
  },
  bytes: () => {
    const bytes = new Uint8Array([1, 2, 3]);
    return moving(bytes, [bytes.buffer]);
  },
};

/** A worker's two ends, in one thread. */
function pair() {
  const { port1, port2 } = new MessageChannel();
  opened.push(port1);
  const listening = (port: typeof port1) => ({
    postMessage: (message: unknown, transfer: unknown[]) => port.postMessage(message, transfer as never),
    addEventListener(type: string, listener: (event: object) => void) {
      if (type === 'message') port.on('message', (data) => listener({ data } as never));
      else failing.set(type, listener);
    },
    terminate: () => port.close(),
  });
  const failing = new Map<string, (event: object) => void>();
  serveCalls(listening(port2), methods);
  return { remote: connectCalls<typeof methods>(listening(port1)), failing };
}
const opened: { close(): void }[] = [];
afterEach(() => {
  for (const port of opened.splice(0)) port.close();
});

test('methods answer across the border, several at once', async () => {
  const { remote } = pair();
  expect(await Promise.all([1, 2, 3].map((x) => remote.double(x)))).toEqual([2, 4, 6]);
  expect([...(await remote.bytes())]).toEqual([1, 2, 3]);
});

test('progress arrives in order, and a signal stops the call', async () => {
  const { remote } = pair();
  const steps: number[] = [];
  expect(await remote.slowly(100, { onProgress: ({ done }) => steps.push(done) })).toBe(100);
  // a report each 5 ms, of which a page gets some ten a second and the last
  expect(steps[0]).toBe(0);
  expect(steps.at(-1)).toBe(100);
  expect(steps.length).toBeGreaterThan(2);
  expect(steps.length).toBeLessThan(60);
  expect(steps).toEqual([...steps].sort((a, b) => a - b));

  const controller = new AbortController();
  const stopped = remote.slowly(1000, {
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(stopped).rejects.toBeInstanceOf(AbortedError);
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  await expect(remote.slowly(3, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(AbortedError);
});

test('errors cross as their own classes, with their fields', async () => {
  const { remote } = pair();
  const failed = async (kind: string) => remote.fail(kind).catch((error: unknown) => error);
  expect(await failed('argument')).toBeInstanceOf(ArgumentError);
  expect(await failed('argument')).toMatchObject({
    argument: 'k',
    message: 'k: found 0, expected an integer from 1',
  });
  expect(await failed('data')).toBeInstanceOf(DataError);
  expect(await failed('data')).toMatchObject({ file: 'de.csv', line: 12, name: 'DataError' });
  expect(await failed('memory')).toBeInstanceOf(MemoryError);
  expect(await failed('file')).toBeInstanceOf(ModelFileError);
  expect(await failed('quota')).toBeInstanceOf(QuotaError);
  expect(await failed('quota')).toMatchObject({ neededBytes: 8e6, freeBytes: 3e6 });
  expect(await failed('')).toMatchObject({ message: 'no error at all' });
});

test('a method that is not there, and an input that cannot be sent, are refused', async () => {
  const { remote } = pair();
  const other = remote as unknown as Record<string, (input: unknown) => Promise<unknown>>;
  await expect(other.toString(undefined)).rejects.toBeInstanceOf(ArgumentError);
  await expect(other.double(() => {})).rejects.toBeInstanceOf(ArgumentError);
  expect(await remote.double(4)).toBe(8);
});

test('no call waits for a worker that ended', async () => {
  const first = pair();
  const waiting = first.remote.slowly(1000);
  first.remote.close();
  await expect(waiting).rejects.toBeInstanceOf(WorkerError);
  await expect(first.remote.double(1)).rejects.toBeInstanceOf(WorkerError);

  const second = pair();
  const pending = second.remote.slowly(1000);
  second.failing.get('error')!({ message: 'out of memory' } as never);
  await expect(pending).rejects.toThrow('the worker ended: out of memory');
});
