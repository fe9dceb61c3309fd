import { AbortedError, M3RecError } from '../../common/errors.ts';
import type { Executor, ExecutorOptions, Work } from '../../threads/work.ts';
import { collectJob, workJob } from '../jobs/work.ts';
import { PlanBuilder } from '../plan.ts';
import { blobsOf, type Store } from '../store.ts';
import type { Cluster } from './open-cluster.ts';

/** Relative costs are not known of works: each counts as a minute. */
const COST = 60;

/**
 * Runs works on the machines of a cluster. What was done before, by whoever, is taken from the store.
 * @param parallel how many workers there are, about; for guesses of the time that is left
 */
export function clusterExecutor(cluster: Cluster, store: Store, build: string, parallel = 2): Executor {
  return {
    blobs: blobsOf(store),
    parallel,
    async run<In, Out>(works: readonly Work<In, Out>[], options: ExecutorOptions<Out> = {}): Promise<Out[]> {
      const { onResult, onProgress, signal } = options;
      const outputs = new Array<Out>(works.length);
      if (works.length === 0) return outputs;
      const plan = new PlanBuilder();
      const refs = [];
      for (const { kind, input } of works) {
        const digest = await store.put(kind.input.encode(input));
        refs.push(plan.add(workJob, { work: kind.name, version: kind.version }, [digest], COST));
      }
      plan.add(collectJob, {}, refs, 0);
      const given = new Set<number>();
      await cluster.submit(plan.finish('works', build), {
        signal,
        onProgress,
        async onJob(index, name, record, reused) {
          if (index >= works.length || given.has(index)) return;
          given.add(index);
          outputs[index] = works[index].kind.output.decode(await store.get(record.outputs[0].blob));
          const { seconds, measured = {}, host: by } = record;
          await onResult?.(index, outputs[index], { key: name, seconds, measured, reused, by });
        },
      });
      if (signal?.aborted) throw new AbortedError('works were stopped');
      if (given.size !== works.length) throw new M3RecError(`${given.size} of ${works.length} works have a result`);
      return outputs;
    },
  };
}
