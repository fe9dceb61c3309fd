// The queue: BullMQ on Redis or on PostgreSQL, asked for where it is used.
import type * as bullmq from 'bullmq';
import { ArgumentError } from '../../common/errors.ts';
import { optional } from '../../node/databases.ts';
import { kernelsDigest } from '../digest.ts';
import { checkTls } from '../tls.ts';

/** The versions that this build was tested with; what a message asks to install. */
export const PEERS = { bullmq: 'bullmq@6.7.0', ioredis: 'ioredis@6.0.0', pg: 'pg' } as const;

/** What a job in the queue says: which job of which run. All else is in the store. */
export interface QueuedJob {
  v: 1;
  run: string;
  /** Number of the job; absent for the driver. */
  job?: number;
  /** Whether it is done again, to compare. */
  verify?: true;
}

export type JobQueue = bullmq.Queue<QueuedJob, unknown, string>;

/** Most bytes of a job's data: no bytes of blobs ever go through a queue. */
const SIZE_LIMIT = 4096;

/** BullMQ with a connection to one server. */
export interface Backend {
  bullmq: typeof bullmq;
  /** In messages, without user and password. */
  name: string;
  /** @param name `jobs` or `runs`; the kernels' digest is added, so that other builds see other queues */
  queue(name: QueueName): JobQueue;
  worker(
    name: QueueName,
    processor: bullmq.Processor<QueuedJob, unknown, string>,
    options: WorkerSettings,
  ): bullmq.Worker<QueuedJob, unknown, string>;
}

export type QueueName = 'jobs' | 'runs';
export type WorkerSettings = Partial<bullmq.WorkerOptions>;

export const queueNameOf = (name: QueueName): string => `m3rec-${name}-${kernelsDigest().slice(0, 8)}`;

/**
 * @param address `redis://`, `rediss://` (TLS) or `postgres://`
 * @param insecure whether a server beyond this machine may be spoken to without TLS
 * @throws ArgumentError for another address, or one without TLS; M3RecError with the line that installs what is
 * missing.
 */
export async function openBackend(address: string, insecure = false): Promise<Backend> {
  const url = parse(address);
  const tls =
    url.protocol === 'rediss:' ||
    ['require', 'verify-ca', 'verify-full'].includes(url.searchParams.get('sslmode') ?? '');
  checkTls('--queue', url, tls, 'rediss:// or ?sslmode=verify-full', insecure);
  const what = 'the queue';
  const modules = await optional<typeof bullmq>('bullmq', what, PEERS.bullmq);
  const redis = url.protocol !== 'postgres:' && url.protocol !== 'postgresql:';
  await optional(redis ? 'ioredis' : 'pg', what, redis ? PEERS.ioredis : PEERS.pg);
  const name = `${url.protocol}//${url.host}${redis ? '' : url.pathname}`;
  const common = {
    connection: (redis
      ? redisOptions(url)
      : { connectionString: address, migrate: true, max: 3 }) as bullmq.ConnectionOptions,
    prefix: 'm3rec',
  };
  const { Queue, Worker } = redis ? modules : modules.withBackend(modules.createPostgresBackend);
  type Classes = { Queue: typeof modules.Queue; Worker: typeof modules.Worker };
  const classes = { Queue, Worker } as unknown as Classes;
  return {
    bullmq: modules,
    name,
    queue: (which) =>
      quiet(
        new classes.Queue<QueuedJob, unknown, string>(queueNameOf(which), {
          ...common,
          defaultJobOptions: {
            sizeLimit: SIZE_LIMIT,
            removeOnComplete: true,
            removeOnFail: false,
            keepLogs: 0,
            attempts: 12,
            backoff: { type: 'm3rec' },
          },
        }) as unknown as JobQueue,
      ),
    worker: (which, processor, options) =>
      quiet(
        new classes.Worker<QueuedJob, unknown, string>(queueNameOf(which), processor, {
          ...common,
          ...options,
        }) as unknown as bullmq.Worker<QueuedJob, unknown, string>,
      ),
  };
}

function parse(address: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(address);
  } catch {}
  if (!url || !['redis:', 'rediss:', 'postgres:', 'postgresql:'].includes(url.protocol) || !url.hostname)
    throw new ArgumentError(
      '--queue',
      address.replace(/\/\/[^@/]*@/, '//'),
      'redis://host:port, rediss://host:port with TLS, or postgres://host/name',
    );
  return url;
}

function redisOptions(url: URL) {
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    ...(url.username && { username: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
    ...(url.pathname.length > 1 && { db: Number(url.pathname.slice(1)) }),
    ...(url.protocol === 'rediss:' && { tls: {} }),
    // a server that restarts is waited for
    maxRetriesPerRequest: null,
  };
}

/** Without a listener, every failed reconnection of a client floods stderr. The next call says what is wrong. */
function quiet<T extends { on(event: 'error', listener: () => void): unknown }>(client: T): T {
  client.on('error', () => {});
  return client;
}

/** @throws ArgumentError unless what came from a queue has this form. */
export function checkQueued(data: unknown): QueuedJob {
  const { v, run, job, verify } = (typeof data === 'object' && data !== null ? data : {}) as Partial<QueuedJob>;
  const good =
    v === 1 &&
    typeof run === 'string' &&
    /^[0-9a-f]{20}$/.test(run) &&
    (job === undefined || (Number.isInteger(job) && job >= 0)) &&
    (verify === undefined || verify === true);
  if (!good) throw ArgumentError.because('job', 'it has another form than m3rec gives jobs in a queue');
  return { v, run, ...(job !== undefined && { job }), ...(verify && { verify }) };
}

/** The id of a job in the queue: jobs of one name are one. */
export const jobId = (run: string, name: string, suffix = ''): string => `${run}-${name.slice(0, 24)}${suffix}`;
