// What the kernels may come from: every shape, values of another realm, URLs, and what is refused.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ArgumentError } from '../../src/common/errors.ts';
import { bindKernels } from '../../src/engine/bind.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { init, kernelSource } from '../../src/engine/init.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import { type KernelSource, resolveKernels } from '../../src/engine/source.ts';

const path = new URL('../../dist/kernels.wasm', import.meta.url);
let server: Server;
let base: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/kernels.wasm')
      response.writeHead(200, { 'content-type': 'application/wasm' }).end(readFileSync(path));
    else if (request.url === '/broken')
      response.writeHead(200, { 'content-length': '100' }).write('half', () => response.destroy());
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
afterEach(() => init());

/** Four numbers that only a working instance adds. */
async function works(source: KernelSource) {
  const sum = Float32Array.of(1, 2, 3, 4);
  (await bindKernels(source)).addInto(4, Float32Array.of(3, 4, 5, 6), sum);
  expect([...sum]).toEqual([4, 6, 8, 10]);
}

async function refused(source: unknown): Promise<string> {
  const error = await instantiateKernels(source as KernelSource).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(ArgumentError);
  expect(error.argument).toBe('kernels');
  return error.message;
}

describe('kernels', () => {
  it('come from bytes: a view, a view into a longer buffer, a buffer', async () => {
    const longer = new Uint8Array(embeddedKernels.length + 20);
    longer.set(embeddedKernels, 10);
    await works(embeddedKernels);
    await works(embeddedKernels.slice().buffer);
    await works(new DataView(longer.buffer, 10, embeddedKernels.length));
  });

  it('come from a module, a Response, a URL as text or URL, and promises of them', async () => {
    const module = await WebAssembly.compile(embeddedKernels);
    const url = `${base}/kernels.wasm`;
    for (const source of [module, () => new Response(embeddedKernels), url, new URL(url)]) {
      const make = () => (typeof source === 'function' ? (source as () => Response)() : source) as WebAssembly.Module;
      await works(make());
      await works(Promise.resolve(make()));
    }
    await works(fetch(url));
    await works(`data:application/wasm;base64,${Buffer.from(embeddedKernels).toString('base64')}`);
  });

  it('come from a module and from bytes of another realm', async () => {
    const { bytes, module } = runInNewContext(
      'const bytes = Uint8Array.from(list); ({ bytes, module: new WebAssembly.Module(bytes) })',
      { list: [...embeddedKernels] },
    );
    expect(module instanceof WebAssembly.Module).toBe(false);
    expect(bytes instanceof Uint8Array).toBe(false);
    await works(module);
    await works(bytes);
    await works(bytes.buffer);
  });

  it('from a module, where the host refuses to compile; bytes are then refused by name', async () => {
    const module = await WebAssembly.compile(embeddedKernels);
    const compile = vi
      .spyOn(WebAssembly, 'compile')
      .mockRejectedValue(new WebAssembly.CompileError('Wasm code generation disallowed by embedder'));
    try {
      await works(module);
      expect(compile).not.toHaveBeenCalled();
      expect(await refused(embeddedKernels)).toMatch(
        /a WebAssembly\.Module of them where a host compiles none \(Wasm code generation disallowed by embedder\)/,
      );
    } finally {
      compile.mockRestore();
    }
  });

  it.each([
    [
      'V8',
      `WebAssembly.compile(): Compiling or instantiating WebAssembly module violates the following Content Security policy directive because 'unsafe-eval' is not an allowed source of script in the following Content Security Policy directive: "script-src 'self'".`,
    ],
    ['SpiderMonkey', 'call to WebAssembly.compile() blocked by CSP'],
    [
      'JavaScriptCore',
      `Refused to create a WebAssembly object because 'unsafe-eval' or 'wasm-unsafe-eval' is not an allowed source of script in the following Content Security Policy directive: "script-src 'self'".\n`,
    ],
  ])('are refused with the remedy where a policy forbids WebAssembly: %s', async (_, text) => {
    const compile = vi.spyOn(WebAssembly, 'compile').mockRejectedValue(new WebAssembly.CompileError(text));
    try {
      expect(await refused(embeddedKernels)).toContain(
        "the Content Security Policy of this page forbids WebAssembly; add 'wasm-unsafe-eval' to its script-src",
      );
    } finally {
      compile.mockRestore();
    }
  });

  it('are neither compiled nor instantiated by init', async () => {
    const spies = [
      vi.spyOn(WebAssembly, 'compile'),
      vi.spyOn(WebAssembly, 'instantiate'),
      vi.spyOn(WebAssembly, 'Memory'),
    ];
    await init(`${base}/kernels.wasm`);
    await init();
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it('are those of init until it is called again; a source of its own goes before', async () => {
    const module = await WebAssembly.compile(embeddedKernels);
    expect(await kernelSource()).toBe(embeddedKernels);
    await init(module);
    expect(await kernelSource()).toBe(module);
    expect(await kernelSource(embeddedKernels)).toBe(embeddedKernels);
    await expect(init(`${base}/nothing`)).rejects.toThrow(ArgumentError);
    expect(await kernelSource()).toBe(module);
    await init();
    expect(await kernelSource()).toBe(embeddedKernels);
  });

  it('are refused by name where there are none', async () => {
    for (const wrong of [null, 7, {}, [], () => {}, new Map()])
      expect(await refused(wrong)).toContain(
        'expected bytes, a WebAssembly.Module, a Response, a URL, or a promise of one of these',
      );
    expect(await refused(new Uint8Array(8))).toContain('the bytes of kernels.wasm');
    expect(await refused(await WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)))).toContain(
      'kernels: this is another WebAssembly module, not kernels.wasm of m3rec',
    );
    expect(await refused(new Response('', { status: 404 }))).toContain('kernels: the server answered with status 404');
    expect(await refused(new Response('<!doctype html>'))).toContain('the bytes of kernels.wasm');
  });

  it('are refused by URL where it cannot be read', async () => {
    expect(await refused(`${base}/nothing`)).toContain('kernels: the server answered with status 404');
    expect(await refused(`${base}/broken`)).toContain('kernels: the response with kernels.wasm broke off (');
    expect(await refused(`${base}/page`)).toContain('the bytes of kernels.wasm');
    expect(await refused('kernels.wasm')).toContain('"kernels.wasm", expected a URL that this host can fetch');
    expect(await refused(path)).toMatch(
      /file:.*expected a URL that this host can fetch; read a file and pass its bytes/,
    );
    expect(await refused(new URL('http://127.0.0.1:1/'))).toContain('http://127.0.0.1:1/');
  });

  it('resolve to what can be instantiated', async () => {
    const module = await WebAssembly.compile(embeddedKernels);
    expect(await resolveKernels(module)).toBe(module);
    expect(await resolveKernels(embeddedKernels)).toBe(embeddedKernels);
    expect(new Uint8Array((await resolveKernels(new URL(`${base}/kernels.wasm`))) as ArrayBuffer)).toEqual(
      embeddedKernels,
    );
  });
});
