// `m3rec serve` as its operator meets it: token, strangers' pages, a model that is replaced, a stop, metrics and the log.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { commandIn, expectFailure } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-serve-'));
const { start, run, output } = commandIn(folder);
const inFolder = (name: string) => join(folder, name);
const digestOf = (name: string) =>
  `sha256:${createHash('sha256')
    .update(readFileSync(inFolder(name)))
    .digest('hex')}`;
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  mkdirSync(inFolder('one/de'), { recursive: true });
  mkdirSync(inFolder('two/de'), { recursive: true });
  mkdirSync(inFolder('two/fr'), { recursive: true });
  for (const file of ['one/de', 'two/de', 'two/fr'])
    writeFileSync(inFolder(`${file}/train.csv`), 'user,item\nu,a\nu,b\nv,a\nv,c\n');
  await output('train', 'one', '-o', 'one.m3rec', '--model', 'popularity');
  await output('train', 'two', '-o', 'two.m3rec', '--model', 'ease');
});
afterAll(async () => {
  for (const stop of stops) await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A running service. */
async function serve(file: string, ...args: string[]) {
  const { child, outcome } = start(['serve', file, '--port', '0', ...args]);
  let stderr = '';
  child.stderr!.on('data', (text) => {
    stderr += text;
  });
  let stdout = '';
  child.stdout!.on('data', (text) => {
    stdout += text;
  });
  stops.push(() => {
    child.kill('SIGKILL');
    return outcome;
  });
  const url = await vi.waitFor(() => /at (http:\S+) until/.exec(stderr)![1], { timeout: 20_000, interval: 50 });
  /** Once a line on stderr says so. */
  const says = (text: string) => vi.waitFor(() => expect(stderr).toContain(text), { timeout: 20_000, interval: 50 });
  return { child, outcome, url, says, log: () => stdout };
}

/** A request with headers that fetch does not let anybody set. */
const ask = (url: string, headers: Record<string, string>) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const request = httpRequest(url, { headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body }));
    });
    request.on('error', reject).end();
  });

describe('a token', () => {
  test('is needed for all but the status', async () => {
    const { url } = await serve('one.m3rec', '--token', 's3cret');
    const health = async (headers = {}) => (await fetch(`${url}/health`, { headers })).json();
    expect(await health()).toEqual({ status: 'ok' });
    expect(await health({ authorization: 'Bearer s3cret' })).toMatchObject({ model: 'popularity' });
    for (const path of ['/v1/de/recommend?items=a', '/openapi.json', '/metrics']) {
      for (const authorization of ['', 'Bearer s3cre', 'Bearer s3cret2', 'Bearer S3cret', 'Basic s3cret']) {
        const response = await fetch(`${url}${path}`, { headers: authorization ? { authorization } : {} });
        expect(response.status, `${path} ${authorization}`).toBe(401);
        expect(response.headers.get('www-authenticate')).toBe('Bearer');
        expect((await response.json()).error.code).toBe('unauthorized');
      }
      expect((await fetch(`${url}${path}`, { headers: { authorization: 'bearer s3cret' } })).status).toBe(200);
    }
  });

  test('that no header can hold is refused, and not shown', async () => {
    const outcome = await run('serve', 'one.m3rec', '--port', '0', '--token', 'two words');
    expectFailure(outcome, 2, 'token: expected one or more ASCII characters without spaces');
    expect(outcome.stderr).not.toContain('two words');
  });
});

describe('a page of a stranger', () => {
  test('reaches nothing of a service on this machine', async () => {
    const { url } = await serve('one.m3rec');
    const { port } = new URL(url);
    // DNS rebinding: the name of the stranger's page leads here
    const rebound = await ask(`${url}/health`, { host: `evil.example:${port}` });
    expect([rebound.status, JSON.parse(rebound.body).error.code]).toEqual([421, 'unknown_host']);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `app.localhost:${port}`, `[::1]:${port}`])
      expect((await ask(`${url}/health`, { host })).status, host).toBe(200);
    const crossSite = await ask(`${url}/v1/de/recommend?items=a`, { 'sec-fetch-site': 'cross-site' });
    expect([crossSite.status, JSON.parse(crossSite.body).error.code]).toEqual([403, 'cross_site']);
    const link = await ask(`${url}/health`, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' });
    expect(link.status).toBe(200);
  });

  test('is none if its origin or the name is allowed', async () => {
    const { url } = await serve('one.m3rec', '--cors', 'https://shop.example', '--allow-host', 'api.shop.example');
    const asked = (origin: string) =>
      ask(`${url}/health`, { host: 'api.shop.example', origin, 'sec-fetch-site': 'cross-site' });
    expect((await asked('https://shop.example')).status).toBe(200);
    expect((await asked('https://evil.example')).status).toBe(403);
  });
});

test('keeps an idle connection for longer than gateways do', async () => {
  const { url } = await serve('one.m3rec');
  const response = await fetch(`${url}/health`);
  await response.text();
  expect(Number(/timeout=(\d+)/.exec(response.headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(60);
});

describe('a model that is replaced', () => {
  const recommend = async (url: string) => (await fetch(`${url}/v1/fr/recommend?items=a`)).status;
  const digest = async (url: string) => (await (await fetch(`${url}/health`)).json()).digest;

  test.runIf(process.platform !== 'win32')('is taken on SIGHUP, and kept if the new one is refused', async () => {
    copyFileSync(inFolder('one.m3rec'), inFolder('hup.m3rec'));
    const { child, url, says } = await serve('hup.m3rec');
    expect([await digest(url), await recommend(url)]).toEqual([digestOf('one.m3rec'), 404]);
    writeFileSync(inFolder('hup.m3rec'), readFileSync(inFolder('two.m3rec')).subarray(0, 500));
    child.kill('SIGHUP');
    await says('not loaded again, the model of before still answers: hup.m3rec: ');
    expect([await digest(url), await recommend(url)]).toEqual([digestOf('one.m3rec'), 404]);
    copyFileSync(inFolder('two.m3rec'), inFolder('hup.m3rec'));
    child.kill('SIGHUP');
    await says('hup.m3rec was loaded again');
    expect([await digest(url), await recommend(url)]).toEqual([digestOf('two.m3rec'), 200]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(`m3rec_model_info{kind="ease",digest="${digestOf('two.m3rec')}"} 1`);
    expect(metrics).toContain('m3rec_reloads_total{result="refused"} 1');
    expect(metrics).toContain('m3rec_reloads_total{result="taken"} 1');
    expect(metrics).toContain('m3rec_requests_total{operation="recommend",status="404"} 2');
  });

  test('is taken with --watch, by whatever way the file changes', async () => {
    copyFileSync(inFolder('one.m3rec'), inFolder('watched.m3rec'));
    const { url, says } = await serve('watched.m3rec', '--watch');
    copyFileSync(inFolder('two.m3rec'), inFolder('new.m3rec'));
    renameSync(inFolder('new.m3rec'), inFolder('watched.m3rec'));
    await says('watched.m3rec was loaded again');
    expect(await recommend(url)).toBe(200);
  });

  test('cannot be standard input', async () => {
    expectFailure(await run('serve', '-', '--watch'), 2, '--watch: standard input cannot be read again; name a file');
  });
});

describe.runIf(process.platform !== 'win32')('SIGTERM', () => {
  /** Once nobody listens at a port. */
  const refused = (port: number) => {
    const knock = () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('error', () => resolve());
        socket.once('connect', () => {
          socket.destroy();
          reject(new Error(`port ${port} is open`));
        });
      });
    return vi.waitFor(knock, { timeout: 20_000, interval: 50 });
  };

  test('lets answers under way end, and takes no new ones', async () => {
    const { child, outcome, url } = await serve('one.m3rec', '--drain', '20');
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    const body = JSON.stringify({ items: ['a'] });
    const head = `POST /v1/de/recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
    socket.write(`${head}content-length: ${body.length}\r\n\r\n${body.slice(0, 3)}`);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    await refused(Number(port));
    socket.write(body.slice(3));
    const { code, stderr } = await outcome;
    expect(answer).toContain('HTTP/1.1 200');
    expect([code, stderr.split('\n').at(-2)]).toEqual([0, 'm3rec: stopped']);
  });

  test('ends what does not end in the time that --drain gives', async () => {
    const { child, outcome, url } = await serve('one.m3rec', '--drain', '0.2');
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      'POST /v1/de/recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    expect((await outcome).signal).toBe(null);
  });

  test('ends kept connections after the answer that is under way', async () => {
    const { child, outcome, url } = await serve('one.m3rec', '--drain', '20');
    const port = Number(new URL(url).port);
    const [slow, kept] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    const head = 'POST /v1/de/recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
    for (const socket of [slow, kept]) socket.write(`${head}content-length: 12\r\n\r\n{`);
    let answers = '';
    kept.setEncoding('utf8').on('data', (text) => {
      answers += text;
    });
    const ended = new Promise((resolve) => kept.once('end', resolve));
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    await refused(port);
    // its answer, and a further request that should find the connection closed
    kept.write('"items":[]}GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await ended;
    expect(answers.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    slow.write('"items":[]}');
    expect((await outcome).code).toBe(0);
  });

  test('a second one ends it at once, whatever is under way', async () => {
    const { child, outcome, url } = await serve('one.m3rec', '--drain', '3600');
    const port = Number(new URL(url).port);
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      'POST /v1/de/recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    await refused(port);
    expect(child.exitCode).toBe(null);
    child.kill('SIGTERM');
    expect((await outcome).signal).toBe('SIGTERM');
  });
});

test('--log json has a line for each request, without what was asked about', async () => {
  const { url, log } = await serve('one.m3rec', '--log', 'json');
  await (await fetch(`${url}/v1/de/recommend?items=a&k=1`)).text();
  await (await fetch(`${url}/nowhere`)).text();
  const lines = await vi.waitFor(
    () => {
      const found = log().trim().split('\n');
      expect(found.length).toBe(2);
      return found.map((line) => JSON.parse(line));
    },
    { timeout: 10_000 },
  );
  expect(lines).toEqual([
    { time: expect.any(String), method: 'GET', path: '/v1/de/recommend', status: 200, ms: expect.any(Number) },
    { time: expect.any(String), method: 'GET', path: '/nowhere', status: 404, ms: expect.any(Number) },
  ]);
});
