// What Prometheus reads of one worker.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { WorkerEvent } from '../../cluster/queue/worker.ts';
import type { Handler } from '../../serve/handler.ts';

/** Bounds of the histogram of times of jobs, in seconds. */
const SECONDS = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000];

export class WorkerMetrics {
  private readonly registry = new Registry();
  private readonly events = new Counter({
    name: 'm3rec_worker_events_total',
    help: 'What happened to jobs, by their kind.',
    labelNames: ['event', 'kind'],
    registers: [this.registry],
  });
  private readonly seconds = new Histogram({
    name: 'm3rec_worker_job_seconds',
    help: 'From the first input to the last output of a job, in seconds, by kind.',
    labelNames: ['kind'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  private readonly bytes = new Counter({
    name: 'm3rec_worker_bytes_total',
    help: 'Bytes of jobs: read from the store, written to it, and read from the cache of this machine.',
    labelNames: ['way'],
    registers: [this.registry],
  });
  private readonly busy = new Gauge({
    name: 'm3rec_worker_busy',
    help: '1 while a job is under way.',
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.busy.set(0);
  }

  /** Counts what a worker says. */
  heard({ event, kind, seconds, read, written, cached }: WorkerEvent): void {
    this.events.inc({ event, kind: kind ?? '' });
    if (event !== 'drives') this.busy.set(event === 'start' ? 1 : 0);
    if (kind !== undefined && event === 'done' && seconds !== undefined) this.seconds.observe({ kind }, seconds);
    for (const [way, bytes] of Object.entries({ read, written, cached })) if (bytes) this.bytes.inc({ way }, bytes);
  }

  /** Answers /metrics. */
  readonly handler: Handler = async (request) =>
    new URL(request.url).pathname === '/metrics'
      ? new Response(await this.registry.metrics(), {
          headers: { 'content-type': this.registry.contentType, 'cache-control': 'no-store' },
        })
      : new Response('metrics are at /metrics\n', { status: 404 });
}
