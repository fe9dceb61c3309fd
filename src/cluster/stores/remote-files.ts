import { DataError } from '../../common/errors.ts';
import type { Files, ListedFile } from '../../node/store-files.ts';

/** Time that a server has for one answer. */
const ANSWER_MS = 300_000;
/** How often a file whose connection broke is asked for again, from there on. */
const RESUMES = 3;

const HINTS: Record<number, string> = {
  401: 'the token or the keys are missing or wrong',
  403: 'the token or the keys have no right to this',
  405: 'the server is for reading alone',
  413: 'the server takes no file of this size',
  507: 'no space left',
};

/** What a request has besides its method and the file. */
export interface Asked {
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
  /** Of the address; the file is then a folder. */
  query?: Record<string, string>;
  signal: AbortSignal;
}

/**
 * Files of a server that speaks HTTP: GET with ranges, HEAD, PUT with `If-None-Match: *`, DELETE.
 * @throws DataError that names the server, from every method.
 */
export abstract class RemoteFiles implements Files {
  constructor(readonly name: string) {}

  protected abstract send(method: string, path: string, asked: Asked): Promise<Response>;
  abstract list(folder: string): Promise<ListedFile[]>;

  async read(path: string, range?: readonly [begin: number, end: number]): Promise<Uint8Array | undefined> {
    const [begin, end] = range ?? [0];
    let parts: Uint8Array[] = [];
    let bytes = 0;
    for (let tries = 1; ; tries++) {
      const headers =
        range || bytes > 0 ? { range: `bytes=${begin + bytes}-${end === undefined ? '' : end - 1}` } : undefined;
      const response = await this.request('GET', path, [200, 206, 404, 416], { headers });
      if (response.status === 404) return undefined;
      if (response.status === 416) return Buffer.concat(parts);
      if (headers && response.status === 200)
        throw new DataError(this.name, undefined, 'the server gives no ranges of files');
      try {
        for await (const part of response.body ?? []) {
          parts.push(part);
          bytes += part.length;
        }
        const whole = Buffer.concat(parts);
        parts = [];
        return whole;
      } catch (error) {
        if (tries > RESUMES) throw this.unreachable('GET', error);
      }
    }
  }

  async size(path: string): Promise<number | undefined> {
    const response = await this.request('HEAD', path, [200, 404]);
    return response.status === 404 ? undefined : Number(response.headers.get('content-length'));
  }

  async write(path: string, bytes: Uint8Array, keep = false): Promise<boolean> {
    // some servers take no condition: the first look finds all but a race, whose two records are the same bytes
    if (keep && (await this.size(path)) !== undefined) return false;
    const response = await this.request('PUT', path, [200, 201, 204, 409, 412], {
      body: bytes as Uint8Array<ArrayBuffer>,
      ...(keep && { headers: { 'if-none-match': '*' } }),
    });
    await response.body?.cancel();
    return response.ok;
  }

  async remove(path: string): Promise<void> {
    const response = await this.request('DELETE', path, [200, 204, 404]);
    await response.body?.cancel();
  }

  /** @param expected statuses; another one is an error. */
  protected async request(
    method: string,
    path: string,
    expected: readonly number[],
    asked: Omit<Asked, 'signal'> = {},
  ): Promise<Response> {
    let response: Response;
    try {
      response = await this.send(method, path, { ...asked, signal: AbortSignal.timeout(ANSWER_MS) });
    } catch (error) {
      throw this.unreachable(method, error);
    }
    if (expected.includes(response.status)) return response;
    await response.body?.cancel();
    const hint = HINTS[response.status];
    throw new DataError(this.name, undefined, `${method} ${path}: found ${response.status}${hint ? `, ${hint}` : ''}`);
  }

  private unreachable(method: string, error: unknown): DataError {
    const { message, name, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    const why =
      name === 'TimeoutError' ? `no answer in ${ANSWER_MS / 1000} s` : (cause?.code ?? cause?.message ?? message);
    return new DataError(this.name, undefined, `${method} did not get through (${why}); check the address`);
  }
}
