// Where a store may lie: each driver keeps one contract, and a training over it gives the bytes of the single process.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import S3rver from 's3rver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/cluster/digest.ts';
import { planTraining } from '../../src/cluster/plans/train.ts';
import { Run, runPlan } from '../../src/cluster/run-job.ts';
import { CachedFiles } from '../../src/cluster/stores/cached-files.ts';
import { openStoreAt } from '../../src/cluster/stores/open-store.ts';
import { serveStore } from '../../src/cluster/stores/serve-store.ts';
import { Warm } from '../../src/cluster/warm.ts';
import { assembleGenerated, encodeModel, generateMarkets, train } from '../../src/index.ts';
import { FolderFiles } from '../../src/node/folder-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-stores-'));
const TOKEN = 'a-token';
let s3: S3rver;
let web: Server;
let addresses: Record<string, string>;
const listen = (server: Server) =>
  new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
const served = (options: Parameters<typeof serveStore>[1], place = 'served') =>
  createServer(getRequestListener(serveStore(new FolderFiles(join(folder, place)), options)) as RequestListener);

beforeAll(async () => {
  s3 = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: join(folder, 's3'),
    configureBuckets: [{ name: 'shop', configs: [] }],
  });
  const { port } = await s3.run();
  web = served({ token: TOKEN });
  const webPort = await listen(web);
  // s3rver knows this pair of keys
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    M3REC_STORE_TOKEN: TOKEN,
  });
  addresses = {
    folder: join(folder, 'plain'),
    http: `http://127.0.0.1:${webPort}`,
    s3: `s3://shop/m3rec?endpoint=http://127.0.0.1:${port}`,
  };
});
afterAll(async () => {
  await s3.close();
  web.close();
  rmSync(folder, { recursive: true, force: true });
});

const openAt = (name: string) => openStoreAt(addresses[name], { cache: join(folder, `cache-${name}`) });

describe.each(['folder', 'http', 's3'])('a store by %s', (name) => {
  test('keeps files whole, by ranges, once or again, and lists them', async () => {
    const { files } = await openAt(name);
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
    const path = `ac/ab/${'ab'.repeat(32)}`;
    expect(await files.size(path)).toBeUndefined();
    expect(await files.read(path)).toBeUndefined();
    expect(await files.write(path, bytes)).toBe(true);
    expect(await files.size(path)).toBe(bytes.length);
    expect(Buffer.from((await files.read(path))!).equals(bytes)).toBe(true);
    expect([...(await files.read(path, [250, 254]))!]).toEqual([250, 0, 1, 2]);
    expect(await files.write(path, Uint8Array.of(1), true)).toBe(false);
    expect(await files.size(path)).toBe(bytes.length);
    expect(await files.write(path, Uint8Array.of(7, 8))).toBe(true);
    expect([...(await files.read(path))!]).toEqual([7, 8]);
    expect(await files.write(`ac/cd/${'cd'.repeat(32)}`, new Uint8Array(), true)).toBe(true);
    const listed = await files.list('ac');
    expect(listed.map(({ path: each, bytes: size }) => [each.slice(0, 5), size])).toEqual([
      ['ac/ab', 2],
      ['ac/cd', 0],
    ]);
    expect(Math.abs(listed[0].written - Date.now())).toBeLessThan(600_000);
    for (const each of listed) await files.remove(each.path);
    await files.remove(path);
    expect(await files.list('ac')).toEqual([]);
  });

  test('gives a training the bytes of the single process', async () => {
    const markets = assembleGenerated(generateMarkets({ seed: 7, users: 300, items: 200, interactions: 3000 }));
    const store = await openAt(name);
    const warm = new Warm();
    const run = new Run(await planTraining(store, markets, {}, { jobItems: 60 }, 'test'));
    const { result } = await runPlan(run, store, warm);
    await warm.close();
    expect(digestOf(result)).toBe(digestOf(encodeModel(await train(markets, {}))));
    // from the cache, and where that has other bytes, from the store again
    const [path] = run.plan.jobs[0].inputs.map((digest) => `cas/${String(digest).slice(0, 2)}/${digest}`);
    const before = store.files.cached;
    writeFileSync(join(folder, `cache-${name}`, path), 'other bytes');
    expect(digestOf((await store.files.read(path))!)).toBe(path.slice(7));
    expect(store.files.cached).toBe(before);
    await store.files.read(path);
    expect(store.files.cached).toBeGreaterThan(before!);
  });
});

describe('a cache', () => {
  test('stays within its bounds, and lets go what was not read for longest', async () => {
    const elsewhere = new FolderFiles(join(folder, 'much'));
    const here = join(folder, 'small-cache');
    const files = new CachedFiles(elsewhere, here, 10_000);
    const paths: string[] = [];
    for (let i = 0; i < 12; i++) {
      const bytes = new Uint8Array(1000).fill(i);
      const digest = digestOf(bytes);
      paths.push(`cas/${digest.slice(0, 2)}/${digest}`);
      await files.write(paths[i], bytes);
      await files.read(paths[0]);
    }
    await files.write(`cas/ee/${'ee'.repeat(32)}`, new Uint8Array(9500));
    const kept = readdirSync(here, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const sizes = kept.map((entry) => statSync(join(entry.parentPath ?? entry.path, entry.name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(10_000);
    expect(kept.map((entry) => entry.name)).toContain(paths[0].slice(7));
    expect(kept.map((entry) => entry.name)).not.toContain(paths[1].slice(7));
    for (const path of paths) expect(await files.read(path)).toHaveLength(1000);
  });
});

describe('a store over HTTP', () => {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${addresses.http}/${path}`, { headers: { authorization: `Bearer ${TOKEN}`, ...init.headers }, ...init });
  test.each([
    ['without the token', 'format', { headers: {} }, 401],
    ['of another file of the machine', '..%2f..%2fetc%2fpasswd', {}, 404],
    ['of a folder that no store has', '?list=..', {}, 404],
    ['of bytes under another digest', `cas/00/${'00'.repeat(32)}`, { method: 'PUT', body: 'x' }, 422],
    ['of another method', 'format', { method: 'POST', body: 'x' }, 405],
  ] as [string, string, RequestInit, number][])('refuses a request %s', async (_, path, init, status) => {
    expect((await ask(path, init)).status).toBe(status);
  });

  test('takes nothing where it can only be read from', async () => {
    const server = served({ readOnly: true });
    const store = await openStoreAt(`http://127.0.0.1:${await listen(server)}`, { cache: join(folder, 'c') });
    await expect(store.put(Uint8Array.of(1, 2, 3))).rejects.toThrow('the server is for reading alone');
    server.close();
  });

  test('goes on where a connection broke', async () => {
    const files = new FolderFiles(join(folder, 'served'));
    const bytes = new Uint8Array(300_000).fill(9);
    const path = `cas/${digestOf(bytes).slice(0, 2)}/${digestOf(bytes)}`;
    await files.write(path, bytes);
    const ranges: (string | undefined)[] = [];
    const server = createServer(async (request, response) => {
      ranges.push(request.headers.range);
      const from = Number(/^bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from ? 206 : 200, { 'content-length': bytes.length - from });
      if (ranges.length > 1) response.end(bytes.subarray(from));
      else response.write(bytes.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 100));
    });
    const { HttpFiles } = await import('../../src/cluster/stores/http-files.ts');
    const found = await new HttpFiles(new URL(`http://127.0.0.1:${await listen(server)}`), undefined).read(path);
    expect(digestOf(found!)).toBe(digestOf(bytes));
    expect(ranges).toEqual([undefined, 'bytes=100000-']);
    server.close();
  });
});

describe('an address that cannot be meant', () => {
  test.each([
    ['ftp://host/folder', 'a folder, s3://bucket/folder'],
    ['http://db.example:7420', 'db.example is another machine, and this address has no TLS'],
    ['s3://shop?endpoint=http://s3.example', 's3.example is another machine'],
    ['s3://shop?endpoint=nowhere', 'an address of a server'],
    ['http://127.0.0.1:9', 'did not get through'],
  ])('%s is refused', async (place, message) => {
    await expect(openStoreAt(place)).rejects.toThrow(message);
  });

  test('keys that are missing are asked for', async () => {
    const { AWS_ACCESS_KEY_ID } = process.env;
    delete process.env.AWS_ACCESS_KEY_ID;
    await expect(openStoreAt('s3://shop')).rejects.toThrow('AWS_ACCESS_KEY_ID');
    process.env.AWS_ACCESS_KEY_ID = AWS_ACCESS_KEY_ID;
  });
});
