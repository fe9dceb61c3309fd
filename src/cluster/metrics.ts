import type { ClusterStatus } from './status.ts';

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** A status in the text form of Prometheus, for its node exporter's collector of text files, or any that reads stdout. */
export function metricsText({ runs, workers }: ClusterStatus): string {
  const lines: string[] = [];
  const family = (name: string, help: string, samples: [labels: Record<string, string>, value: number][]) => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`);
    for (const [labels, value] of samples) {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
      lines.push(`${name}{${pairs.join(',')}} ${value}`);
    }
  };
  const byKind = (of: (own: { done: number; jobs: number; seconds: number }) => number) =>
    runs.flatMap(({ run, what, kinds }) =>
      Object.entries(kinds).map(([kind, own]): [Record<string, string>, number] => [{ run, what, kind }, of(own)]),
    );
  family(
    'm3rec_cluster_jobs',
    'Jobs of a run',
    byKind(({ jobs }) => jobs),
  );
  family(
    'm3rec_cluster_jobs_done',
    'Jobs of a run that are done',
    byKind(({ done }) => done),
  );
  family(
    'm3rec_cluster_job_seconds',
    'Time that the done jobs of a run took, together',
    byKind(({ seconds }) => seconds),
  );
  family(
    'm3rec_cluster_run',
    '1 for the state that a run is in',
    runs.map(({ run, what, state }) => [{ run, what, state }, 1]),
  );
  family(
    'm3rec_cluster_worker_seen_seconds',
    'Since a worker was last seen',
    workers.map(({ host, kernels, ago }) => [{ host, kernels: kernels.slice(0, 8) }, ago]),
  );
  return `${lines.join('\n')}\n`;
}
