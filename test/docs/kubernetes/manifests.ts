// The manifests of docs/guide/cluster.md, as objects with the types of Kubernetes.
import type { Deployment } from 'kubernetes-types/apps/v1';
import type { Job } from 'kubernetes-types/batch/v1';
import type { Container } from 'kubernetes-types/core/v1';

/** node:22 with `npm install -g m3rec bullmq@6.7.0 ioredis@6.0.0`. */
const IMAGE = 'registry.example/m3rec:0.4.0';
const CLAIM = 'm3rec';

const container = (args: string[], env: Container['env'] = []): Container => ({
  name: 'm3rec',
  image: IMAGE,
  args: ['m3rec', ...args],
  ...(env.length > 0 && { env }),
  resources: { requests: { cpu: '4', memory: '5Gi' }, limits: { memory: '5Gi' } },
  volumeMounts: [{ name: 'store', mountPath: '/m3rec' }],
});
const volumes = [{ name: 'store', persistentVolumeClaim: { claimName: CLAIM } }];

/** A plan without a queue: a pod for each job. */
export const plan: Job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'm3rec-plan' },
  spec: {
    completionMode: 'Indexed',
    completions: 86,
    parallelism: 16,
    backoffLimitPerIndex: 5,
    podFailurePolicy: {
      rules: [
        // a wrong plan or number, which no repetition mends
        { action: 'FailJob', onExitCodes: { containerName: 'm3rec', operator: 'In', values: [2] } },
        // a node that was taken away
        { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      ],
    },
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [
          container(['job', 'run', '/m3rec/plan.json', '$(JOB_COMPLETION_INDEX)', '--wait', '--threads', '4']),
        ],
        volumes,
      },
    },
  },
};

/** Workers of a queue, as many as replicas. */
export const workers: Deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'm3rec-worker' },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: 'm3rec-worker' } },
    template: {
      metadata: {
        labels: { app: 'm3rec-worker' },
        annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9464' },
      },
      spec: {
        terminationGracePeriodSeconds: 30,
        containers: [
          {
            ...container(
              ['worker', '--queue', '$(QUEUE)', '--store', '/m3rec/store', '--threads', '4', '--json'].concat([
                '--metrics',
                '9464',
                '--metrics-host',
                '0.0.0.0',
              ]),
              [{ name: 'QUEUE', valueFrom: { secretKeyRef: { name: 'm3rec', key: 'queue' } } }],
            ),
            ports: [{ name: 'metrics', containerPort: 9464 }],
            readinessProbe: { httpGet: { path: '/metrics', port: 'metrics' } },
          },
        ],
        volumes,
      },
    },
  },
};
