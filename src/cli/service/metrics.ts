// What Prometheus reads at /metrics.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Handler } from '../../serve/handler.ts';

/** Bounds of the histogram of answer times, in seconds: most answers take under a millisecond. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export class Metrics {
  private readonly registry = new Registry();
  private readonly requests = new Counter({
    name: 'm3rec_requests_total',
    help: 'Requests answered, by operation and status.',
    labelNames: ['operation', 'status'],
    registers: [this.registry],
  });
  private readonly seconds = new Histogram({
    name: 'm3rec_request_seconds',
    help: 'From the request to the answer, in seconds, by operation.',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  private readonly model = new Gauge({
    name: 'm3rec_model_info',
    help: 'The model that answers: always 1.',
    labelNames: ['kind', 'digest'],
    registers: [this.registry],
  });
  private readonly reloads = new Counter({
    name: 'm3rec_reloads_total',
    help: 'Attempts to load the model file again, by result.',
    labelNames: ['result'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  answered(operation: string, status: number, seconds: number): void {
    this.requests.inc({ operation, status: String(status) });
    this.seconds.observe({ operation }, seconds);
  }

  serves(kind: string, digest: string): void {
    this.model.reset();
    this.model.set({ kind, digest }, 1);
  }

  reloaded(result: 'taken' | 'refused'): void {
    this.reloads.inc({ result });
  }

  /** Answers a request for the metrics. */
  readonly handler: Handler = async () =>
    new Response(await this.registry.metrics(), {
      headers: { 'content-type': this.registry.contentType, 'cache-control': 'no-store' },
    });
}
