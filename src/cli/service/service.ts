// What `m3rec serve` has around the handler: the model of a file that may be replaced, metrics, a log, and a guard.

import { createHash } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { M3RecError } from '../../common/errors.ts';
import { loadModel } from '../../models/load.ts';
import { createHandler, type Handler, type ServeOptions } from '../../serve/handler.ts';
import { hasToken } from '../../serve/options.ts';
import type { Context } from '../context.ts';
import { outliveReader, writeData } from '../output.ts';
import { refuseStranger } from './guard.ts';
import { Metrics } from './metrics.ts';

export interface ServiceOptions extends ServeOptions {
  prefix: string;
  /** Of the package, for /health. */
  version: string;
  /** A line of JSON for each request, on standard output. */
  log: boolean;
  /** Names that may lead here; undefined: any request is taken. */
  hosts?: readonly string[];
}

/** How often a watched file is looked at. */
const WATCH_MS = 1000;

/** Bytes of the log that may wait for its reader. */
const MOST_WAITING = 1 << 20;

/** A model file as a service. */
export class Service {
  private readonly metrics = new Metrics();
  private current!: Handler;
  private digest = '';
  /** The attempt to load that is under way; a further one waits for it. */
  private loading: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: Context,
    private readonly path: string,
    private readonly options: ServiceOptions,
  ) {
    if (options.log) outliveReader();
  }

  /** Loads the file. @throws ModelFileError, MemoryError, DataError as every command that opens a model. */
  async load(): Promise<void> {
    await this.context.openModel(this.path, async (bytes) => {
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      if (digest === this.digest) return;
      const recommender = await loadModel(bytes);
      const { version, ...options } = this.options;
      this.current = createHandler(recommender, { ...options, about: { digest, version } });
      this.digest = digest;
      this.metrics.serves(recommender.model.kind, digest);
    });
  }

  /** Loads the file again; the model that answers stays if the file is refused. Requests under way keep theirs. */
  reload(): Promise<void> {
    this.loading = this.loading.then(async () => {
      const before = this.digest;
      try {
        await this.load();
        this.metrics.reloaded('taken');
        this.context.message(before === this.digest ? `${this.path} is unchanged` : `${this.path} was loaded again`);
      } catch (error) {
        if (this.context.signal.aborted) return;
        this.metrics.reloaded('refused');
        const reason = error instanceof M3RecError ? error.message : String(error).split('\n')[0];
        this.context.message(`warning: not loaded again, the model of before still answers: ${reason}`);
      }
    });
    return this.loading;
  }

  /** Loads the file again on SIGHUP, and, with `watch`, when it has changed, until the command is stopped. */
  keepFresh(watch: boolean): void {
    const reload = () => void this.reload();
    process.on('SIGHUP', reload);
    if (watch) watchFile(this.path, { interval: WATCH_MS }, reload);
    this.context.signal.addEventListener('abort', () => {
      process.removeListener('SIGHUP', reload);
      unwatchFile(this.path, reload);
    });
  }

  readonly handler: Handler = async (request) => {
    const begun = performance.now();
    const { hosts, cors, prefix, log } = this.options;
    const { pathname } = new URL(request.url);
    const refused = hosts && refuseStranger(request, hosts, cors);
    const metrics = pathname === `${prefix}/metrics` && request.method === 'GET';
    const response = refused ?? (await (metrics ? this.metricsOf(request) : this.current(request)));
    const seconds = (performance.now() - begun) / 1000;
    this.metrics.answered(metrics ? 'metrics' : operationOf(pathname), response.status, seconds);
    if (log) this.log(request.method, pathname, response.status, seconds);
    return response;
  };

  /** A line for a request, without its query, which names items and users. A reader that hangs loses lines. */
  private log(method: string, path: string, status: number, seconds: number): void {
    if (process.stdout.writableLength > MOST_WAITING) return;
    const line = { time: new Date().toISOString(), method, path, status, ms: Math.round(seconds * 1e5) / 100 };
    writeData(`${JSON.stringify(line)}\n`).catch(() => {});
  }

  private metricsOf(request: Request): Promise<Response> {
    const { token } = this.options;
    // refused as the handler refuses it
    return token !== undefined && !hasToken(request, token)
      ? this.current(new Request(new URL('openapi.json', request.url), request))
      : this.metrics.handler(request);
  }
}

/** The last part of a path if it is one that the service has: what clients make up must not become labels. */
function operationOf(pathname: string): string {
  const last = pathname.slice(pathname.lastIndexOf('/') + 1);
  return ['recommend', 'similar', 'rank', 'health', 'openapi.json'].includes(last) ? last : 'other';
}
