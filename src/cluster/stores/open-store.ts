import { homedir } from 'node:os';
import { join } from 'node:path';
import { ArgumentError } from '../../common/errors.ts';
import { FolderFiles } from '../../node/folder-files.ts';
import { Store } from '../store.ts';
import { checkTls } from '../tls.ts';
import { CachedFiles } from './cached-files.ts';
import { HttpFiles } from './http-files.ts';
import { S3Files } from './s3-files.ts';

/** How a store is reached. */
export interface StoreOptions {
  /** Whether a server beyond this machine may be spoken to without TLS. */
  insecure?: boolean;
  /** A folder of this machine for blobs of a store elsewhere. Default: `m3rec` in the user's cache, for `s3://` and `http://`. */
  cache?: string;
  /** Most bytes in it. Default: 8 GiB. */
  cacheBytes?: number;
}

const CACHE_BYTES = 8 * 2 ** 30;

/**
 * The store that a person named: a folder, `s3://bucket/folder` or `http://host:port` (of `m3rec cluster serve`). Keys
 * and tokens come from the environment: `AWS_…`, and `M3REC_STORE_TOKEN`.
 * @throws ArgumentError for another address, or one without TLS; M3RecError for a folder that is another thing, and with
 * the line that installs what is missing.
 */
export async function openStoreAt(place: string, options: StoreOptions = {}): Promise<Store> {
  const files = await filesAt(place, options);
  const { cache = files instanceof FolderFiles ? undefined : cacheFolder(), cacheBytes = CACHE_BYTES } = options;
  return new Store(cache === undefined ? files : new CachedFiles(files, cache, cacheBytes)).open();
}

const cacheFolder = () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'm3rec');

async function filesAt(place: string, { insecure = false }: StoreOptions) {
  if (place === '' || place.includes('\0')) throw new ArgumentError('--store', place, 'a folder or an address');
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(place)) return new FolderFiles(place);
  const url = URL.canParse(place) ? new URL(place) : undefined;
  if (url?.protocol === 's3:' && url.hostname) {
    const given = url.searchParams.get('endpoint') ?? process.env.AWS_ENDPOINT_URL;
    if (given !== undefined && !URL.canParse(given))
      throw new ArgumentError('endpoint', given, 'an address of a server');
    const endpoint = given === undefined ? undefined : new URL(given);
    if (endpoint) checkStoreTls(endpoint, insecure);
    return S3Files.open(url, endpoint, process.env);
  }
  if (url && ['http:', 'https:'].includes(url.protocol)) {
    checkStoreTls(url, insecure);
    return new HttpFiles(url, process.env.M3REC_STORE_TOKEN);
  }
  throw new ArgumentError('--store', place, 'a folder, s3://bucket/folder, http:// or https://');
}

const checkStoreTls = (url: URL, insecure: boolean) =>
  checkTls('--store', url, url.protocol === 'https:', 'https://', insecure);
