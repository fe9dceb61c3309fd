// `m3rec app`: the page's files over HTTP, and what it is given to open with. What the page does is in test/app.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'm3rec-app-'));
const ended: (() => Promise<void>)[] = [];

beforeAll(() => {
  for (const market of ['de', 'uk']) {
    mkdirSync(join(folder, market));
    writeFileSync(join(folder, market, 'train.csv'), 'userId,itemId\nu1,shoe-9\n');
  }
  writeFileSync(join(folder, 'notes.md'), 'not for the page');
});
afterAll(async () => {
  for (const end of ended) await end();
  rmSync(folder, { recursive: true });
});

/** Starts it on a free port. */
function start(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [cli, 'app', '--no-open', '--port', '0', ...args]);
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  ended.push(async () => {
    child.kill('SIGINT');
    await exit;
  });
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
      const [, url] = /the page is at (\S+) until/.exec(said) ?? [];
      if (url) resolve(url);
    });
    child.once('exit', () => reject(new Error(said)));
  });
}

/** A request with a Host header of any name. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.once('error', reject);
    sent.end();
  });
}

describe('alone', () => {
  let url: string;
  beforeAll(async () => {
    url = await start();
  });

  test('every file of the page, with the policy and the isolation that it needs', async () => {
    const types: Record<string, string> = { js: 'text/javascript', css: 'text/css', wasm: 'application/wasm' };
    const files = ['', ...readdirSync(new URL('../../dist/app/', import.meta.url))];
    expect(files.length).toBeGreaterThan(20);
    for (const file of files) {
      const response = await fetch(new URL(file, url));
      expect(response.status, file).toBe(200);
      const { headers } = response;
      expect((await response.arrayBuffer()).byteLength, file).toBe(Number(headers.get('content-length')));
      expect(headers.get('content-security-policy')).not.toContain('unsafe-inline');
      expect(headers.get('content-security-policy')).not.toContain("'unsafe-eval'");
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      const pictures = file === 'pictures.html';
      expect(headers.get('cross-origin-embedder-policy')).toBe(pictures ? 'credentialless' : 'require-corp');
      expect(headers.get('content-security-policy')!.includes('img-src https:')).toBe(pictures);
      const type = types[file.slice(file.lastIndexOf('.') + 1)];
      if (type) expect(headers.get('content-type'), file).toContain(type);
    }
  });

  test('nothing else', async () => {
    for (const path of ['no-such-file', '..%2fcli.js', '%2e%2e/cli.js', 'given/0', 'given/x'])
      expect((await fetch(new URL(path, url))).status, path).toBe(404);
    expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(405);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    expect(await (await fetch(new URL('given.json', url))).json()).toEqual([]);
  });

  test('not under another name, so that no page of another origin reads it', async () => {
    const { port } = new URL(url);
    expect(await statusFor(url, `localhost:${port}`)).toBe(200);
    expect(await statusFor(url, `shop.example:${port}`)).toBe(421);
  });
});

test('a folder: its files of data with their paths', async () => {
  const url = await start(folder);
  expect(url).toMatch(/#\/given$/);
  const given = await (await fetch(new URL('given.json', url))).json();
  expect(given.map(({ path }: { path: string }) => path)).toEqual(['de/train.csv', 'uk/train.csv']);
  expect(await (await fetch(new URL('given/1', url))).text()).toBe('userId,itemId\nu1,shoe-9\n');
});

test('what is not there, and a folder without data, are said in one line', async () => {
  await expect(start(join(folder, 'none'))).rejects.toThrow(/^m3rec: \S*none: no such file or folder\n$/);
  mkdirSync(join(folder, 'empty'));
  await expect(start(join(folder, 'empty'))).rejects.toThrow(/^m3rec: \S*empty: no file of this folder is a table\n$/);
});
