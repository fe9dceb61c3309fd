import { blobPath } from '../node/blob-folder.ts';
import { openRun, runsOf } from './runs.ts';
import { recordPath, type Store } from './store.ts';

const DAY_MS = 86_400_000;

/**
 * Removes blobs, records and runs that are older than some days and that no younger run reads or leaves. Runs of other
 * builds are kept as long: what they need is not known here, so with a young one of these nothing is removed.
 * @returns how many files, and bytes.
 */
export async function collectGarbage(store: Store, days: number): Promise<{ files: number; bytes: number }> {
  const limit = Date.now() - days * DAY_MS;
  const needed = new Set<string>();
  const keep = (path: string) => needed.add(path);
  const old: string[] = [];
  for (const { name, written } of await runsOf(store)) {
    if (written < limit) {
      old.push(name);
      continue;
    }
    const run = await openRun(store, name).catch(() => undefined);
    if (!run) return { files: 0, bytes: 0 };
    for (const [job, { inputs }] of run.plan.jobs.entries()) {
      for (const input of inputs) if (typeof input === 'string') keep(blobPath(input));
      keep(recordPath(run.names[job]));
      for (const { blob } of (await store.record(run.names[job]))?.outputs ?? []) keep(blobPath(blob));
    }
  }
  const removed = { files: 0, bytes: 0 };
  // records first: one without its blobs would only cost another run time, but it need not
  for (const folder of ['ac', 'cas', ...old.map((name) => `runs/${name}`), 'plans'])
    for (const { path, bytes, written } of await store.files.list(folder)) {
      const young = written >= limit && !folder.startsWith('runs/');
      if (young || needed.has(path)) continue;
      await store.files.remove(path);
      removed.files++;
      removed.bytes += bytes;
    }
  return removed;
}
