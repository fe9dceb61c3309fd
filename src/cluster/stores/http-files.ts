import { DataError } from '../../common/errors.ts';
import type { ListedFile } from '../../node/store-files.ts';
import { type Asked, RemoteFiles } from './remote-files.ts';

/** Files of another machine that runs `m3rec cluster serve`. */
export class HttpFiles extends RemoteFiles {
  private readonly base: string;

  /** @param token of `cluster serve` */
  constructor(
    address: URL,
    private readonly token: string | undefined,
  ) {
    super(`${address.origin}${address.pathname}`);
    this.base = `${address.origin}${address.pathname.replace(/\/?$/, '/')}`;
  }

  async list(folder: string): Promise<ListedFile[]> {
    const response = await this.request('GET', '', [200], { query: { list: folder } });
    const found: unknown = await response.json();
    const good = (file: unknown): file is ListedFile => {
      const { path, bytes, written } = (file ?? {}) as Partial<ListedFile>;
      return typeof path === 'string' && typeof bytes === 'number' && typeof written === 'number';
    };
    if (!Array.isArray(found) || !found.every(good))
      throw new DataError(this.name, undefined, 'the answer is no list of files: is this `m3rec cluster serve`?');
    return found;
  }

  protected send(method: string, path: string, { headers, body, query, signal }: Asked): Promise<Response> {
    return fetch(`${this.base}${path}${query ? `?${new URLSearchParams(query)}` : ''}`, {
      method,
      headers: { ...headers, ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }) },
      body,
      signal,
      redirect: 'error',
    });
  }
}
