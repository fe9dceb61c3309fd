// The process that computes the jobs of a worker of m3rec/cluster.
import { serveJobs } from './cluster/queue/child.ts';
import { embeddedKernels } from './engine/embedded.ts';
import { embedKernels } from './engine/init.ts';

embedKernels(embeddedKernels);
await serveJobs();
