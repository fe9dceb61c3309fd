// Where loadModel reads from: bytes, responses, URLs, streams, promises; progress, and what is refused.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AbortedError, ArgumentError, ModelFileError } from '../../src/common/errors.ts';
import type { Progress } from '../../src/common/job.ts';
import { encodeModel } from '../../src/models/file.ts';
import { loadModel } from '../../src/models/load.ts';
import type { ModelSource } from '../../src/models/source.ts';
import { fullModel } from '../support/small-model.ts';

const bytes = encodeModel(fullModel());
let server: Server;
let base: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/model') response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    else if (request.url === '/packed') response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes));
    else if (request.url === '/broken')
      response.writeHead(200, { 'content-length': '1000' }).write('half', () => response.destroy());
    else if (request.url === '/stalled') response.writeHead(200, { 'content-length': '1000' }).write('half');
    else if (request.url === '/page') response.writeHead(200).end('<!doctype html>');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const streamOf = (...pieces: unknown[]) => ReadableStream.from(pieces) as ReadableStream<Uint8Array>;
const cut = (size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));

test.each<[string, () => ModelSource]>([
  ['bytes', () => bytes],
  ['a promise of a buffer', () => Promise.resolve(bytes.slice().buffer)],
  ['a Response', () => new Response(bytes)],
  ['what fetch gives', () => fetch(`${base}/model`)],
  ['a URL', () => new URL(`${base}/model`)],
  ['a URL as text', () => `${base}/model`],
  ['a compressed response', () => `${base}/packed`],
  ['a stream', () => streamOf(...cut(100))],
  ['the stream of a file', () => new Blob([bytes]).stream()],
  ['fewer bytes than announced', () => new Response(bytes, { headers: { 'content-length': `${bytes.length + 50}` } })],
  ['more bytes than announced', () => new Response(bytes, { headers: { 'content-length': '9' } })],
  ['an announced length that nobody has', () => new Response(bytes, { headers: { 'content-length': '1e15' } })],
])('loads %s', async (_, source) => {
  const recommender = await loadModel(source());
  expect(encodeModel(recommender.model)).toEqual(bytes);
});

test('tells how much has been read', async () => {
  const seen: Progress[] = [];
  await loadModel(`${base}/model`, { onProgress: (progress) => seen.push(progress) });
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.at(-1)).toEqual({ stage: 'read the model', id: 'read-model', done: bytes.length, total: bytes.length });
  seen.length = 0;
  await loadModel(streamOf(...cut(100)), { onProgress: (progress) => seen.push(progress) });
  expect(seen.map(({ done }) => done)).toEqual(cut(100).map((piece, i) => 100 * i + piece.length));
  expect(new Set(seen.map(({ total }) => total))).toEqual(new Set([0]));
});

test.each<[string, () => unknown, RegExp]>([
  ['a missing page', () => `${base}/nothing`, /^model: the server answered with status 404, not with a model file$/],
  ['a response that broke off', () => `${base}/broken`, /^model: the response with a model file broke off \(/],
  [
    'a path',
    () => 'shop.m3rec',
    /^model: found "shop\.m3rec", expected a URL that this host can fetch; read a file and/,
  ],
  ['a stream of text', () => streamOf('text'), /^model: found "text", expected a stream of bytes$/],
  ['a number', () => 7, /^bytes: found 7, expected/],
])('refuses %s', async (_, source, message) => {
  const error = await loadModel(source() as ModelSource).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(ArgumentError);
  expect(error.message).toMatch(message);
});

test('refuses what was read already, and a page instead of a model', async () => {
  const response = new Response(bytes);
  await response.arrayBuffer();
  await expect(loadModel(response)).rejects.toThrow('model: it has been read already');
  const stream = streamOf(bytes);
  stream.getReader();
  await expect(loadModel(stream)).rejects.toThrow('model: it has been read already');
  await expect(loadModel(`${base}/page`)).rejects.toThrow(ModelFileError);
});

test('stops while nothing comes', async () => {
  const stopping = new AbortController();
  const loading = loadModel(`${base}/stalled`, { signal: stopping.signal });
  setTimeout(() => stopping.abort(), 50);
  await expect(loading).rejects.toThrow(AbortedError);
  await expect(loadModel(`${base}/model`, { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
});
