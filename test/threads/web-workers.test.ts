// Web Workers whose file is not where a bundler has put the library: they are made from their text.
import { Worker as Thread } from 'node:worker_threads';
import { afterEach, describe, expect, test, vi } from 'vitest';
import script from '../../dist/worker.txt';
import { embeddedThreadKernels } from '../../src/threads/embedded-threads.ts';
import { startThreads } from '../../src/threads/pool.ts';
import { workersMadeBy } from '../../src/threads/web-workers.ts';

const blobs = new Map<string, Blob>();
/** A Web Worker over a thread of Node: it runs blobs, and finds no file. */
class PageWorker {
  static made: string[] = [];
  onmessage?: (event: { data: unknown }) => void;
  onerror?: (event: { message: string }) => void;
  private thread: Promise<Thread | undefined>;
  constructor(url: string | URL) {
    PageWorker.made.push(String(url));
    this.thread = this.start(String(url));
  }
  private async start(url: string) {
    const text = await blobs.get(url)?.text();
    if (text === undefined) {
      this.onerror?.({ message: '' });
      return undefined;
    }
    const globals = `const { parentPort } = require('node:worker_threads');
      globalThis.postMessage = (data) => parentPort.postMessage(data);
      globalThis.addEventListener = (_, hear) => parentPort.once('message', (data) => hear({ data }));`;
    const thread = new Thread(`${globals}\n${text}`, { eval: true });
    thread.on('message', (data) => this.onmessage?.({ data }));
    thread.on('error', ({ message }) => this.onerror?.({ message }));
    return thread;
  }
  postMessage(data: unknown) {
    void this.thread.then((thread) => thread?.postMessage(data));
  }
  terminate() {
    void this.thread.then((thread) => thread?.terminate());
  }
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  blobs.clear();
  PageWorker.made = [];
});

function page(blobsAllowed = true) {
  vi.stubGlobal('Worker', PageWorker);
  vi.stubGlobal('navigator', { hardwareConcurrency: 4 });
  vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => {
    const url = `blob:${blobs.size}`;
    if (blobsAllowed) blobs.set(url, blob as Blob);
    return url;
  });
  const make = () => new Worker('https://shop.example/missing/worker.js');
  return workersMadeBy(
    () => embeddedThreadKernels,
    make,
    () => script,
  );
}

describe('a worker whose file is missing', () => {
  test('is made from its text, and works', async () => {
    const heard: unknown[] = [];
    const kernels = await startThreads({ workers: page(), threads: 2, onThreads: (threads) => heard.push(threads) });
    expect(PageWorker.made).toEqual(['https://shop.example/missing/worker.js', 'blob:0']);
    const { memory, pool } = kernels;
    const one = memory.put(Float32Array.of(1, 2, 3, 4));
    const sums = memory.allocateZeroed(16 * 40);
    await pool!.run(Array.from({ length: 40 }, (_, i) => [['addInto', 4, one, sums + 16 * i]]));
    expect([...memory.f32(sums, 160)]).toEqual(Array.from({ length: 40 }, () => [1, 2, 3, 4]).flat());
    expect(heard).toEqual([{ threads: 2 }]);
    await kernels.close();
  });

  test('under a policy without blobs leaves the job to one thread, which says why', async () => {
    const heard: unknown[] = [];
    const workers = page(false);
    const kernels = await startThreads({ workers, threads: 3, onThreads: (threads) => heard.push(threads) });
    const reason = expect.stringMatching(
      /^worker [12] of 2: it could not be loaded.*; from a blob: it could not be loaded/,
    );
    expect(heard).toEqual([{ threads: 1, reason }]);
    await kernels.close();
  });
});
