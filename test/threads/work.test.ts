import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { folderBlobs } from '../../src/node/blob-folder.ts';
import { localExecutor } from '../../src/threads/local-executor.ts';
import { jsonCodec, memoryBlobs, readBlob, type WorkKind, workKey } from '../../src/threads/work.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-work-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Adds the bytes of a blob to a number. */
const adding: WorkKind<{ blob: string; to: number }, { sum: number }> = {
  name: 'test.adding',
  version: 1,
  input: jsonCodec(),
  output: jsonCodec(),
  run: async ({ blob, to }, context) => {
    context.measured('reads', 1);
    return { sum: (await readBlob(context.blobs, blob)).reduce((a, b) => a + b, to) };
  },
};

test.each([
  ['memory', memoryBlobs],
  ['a folder', () => folderBlobs(join(folder, 'blobs'))],
])('bytes are kept by their digest in %s', async (_, make) => {
  const blobs = make();
  const digest = await blobs.put(Uint8Array.of(1, 2, 3));
  expect(digest).toBe('039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81');
  expect(await blobs.put(Uint8Array.of(1, 2, 3))).toBe(digest);
  expect([...(await blobs.get(digest))!]).toEqual([1, 2, 3]);
  expect(await blobs.get('0'.repeat(64))).toBeUndefined();
  await expect(readBlob(blobs, '0'.repeat(64))).rejects.toThrow('there are no bytes with the SHA-256 0000');
});

test('bytes that another program changed are refused', async () => {
  const blobs = folderBlobs(join(folder, 'changed'));
  const digest = await blobs.put(Uint8Array.of(7));
  writeFileSync(join(folder, 'changed/cas', digest.slice(0, 2), digest), Uint8Array.of(8));
  await expect(readBlob(blobs, digest)).rejects.toThrow(`the bytes kept as ${digest} are others`);
  await expect(blobs.get('../../etc/passwd')).rejects.toThrow('is no SHA-256');
});

test('works run in order, and report what their results do not hold', async () => {
  const executor = localExecutor();
  const blob = await executor.blobs.put(Uint8Array.of(1, 2, 3));
  const seen: unknown[] = [];
  const works = [10, 20].map((to) => ({ kind: adding, input: { blob, to } }));
  const outputs = await executor.run(works, {
    onResult: (index, output, { key, measured, reused }) => {
      seen.push([index, output, key.length, measured, reused]);
    },
  });
  expect(outputs).toEqual([{ sum: 16 }, { sum: 26 }]);
  expect(seen).toEqual([
    [0, { sum: 16 }, 64, { reads: 1 }, false],
    [1, { sum: 26 }, 64, { reads: 1 }, false],
  ]);
});

test('a key names kind, version, input and build, not the order of keys', async () => {
  const key = (version: number, input: object, build?: string) =>
    workKey({ name: 'a', version }, jsonCodec().encode(input), build);
  const base = await key(1, { x: 1, y: 2 });
  expect(await key(1, { y: 2, x: 1 })).toBe(base);
  const others = await Promise.all([key(2, { x: 1, y: 2 }), key(1, { x: 1, y: 3 }), key(1, { x: 1, y: 2 }, 'b')]);
  expect(new Set([base, ...others]).size).toBe(4);
});

test('a signal stops between works, and what onResult throws ends the run', async () => {
  const executor = localExecutor();
  const blob = await executor.blobs.put(Uint8Array.of(1));
  const works = [1, 2, 3].map((to) => ({ kind: adding, input: { blob, to } }));
  const controller = new AbortController();
  const sums: number[] = [];
  const run = executor.run(works, {
    signal: controller.signal,
    onResult: (_, { sum }) => {
      sums.push(sum);
      controller.abort();
    },
  });
  await expect(run).rejects.toThrow('works were stopped at 1 of 3');
  expect(sums).toEqual([2]);
  const thrown = executor.run(works, {
    onResult: () => {
      throw new Error('full');
    },
  });
  await expect(thrown).rejects.toThrow('full');
});
