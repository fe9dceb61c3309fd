// The process that computes the jobs of a worker of m3rec/cluster.
import { offerWork } from './cluster/jobs/work.ts';
import { serveJobs } from './cluster/queue/child.ts';
import { embeddedKernels } from './engine/embedded.ts';
import { embedKernels } from './engine/init.ts';
import { trialKind } from './lab/trial.ts';

embedKernels(embeddedKernels);
offerWork(trialKind);
await serveJobs();
