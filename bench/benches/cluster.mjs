// Several machines. Workers have one thread each.
//   digests   the same SHA-256 on any number of workers, on both servers, and by `job run`
//   speed     how plans are cut, what a second worker brings, what a job costs beside its work, bytes of each kind of job
//   recovery  how long it takes until what a killed process did is done by another one
//   simulate  10 and 100 machines, by measured times of jobs
import { digests } from '../cluster/digests.mjs';
import { recovery } from '../cluster/recovery.mjs';
import { simulate } from '../cluster/simulate.mjs';
import { speed } from '../cluster/speed.mjs';
import { folders, servers } from '../harness/fleet.mjs';
import { note } from '../harness/report.mjs';

const PARTS = { digests, speed, recovery, simulate };

export async function cluster({ parts = Object.keys(PARTS) } = {}) {
  const installed = await servers();
  for (const part of parts) {
    if (part !== 'simulate' && !installed.Redis) {
      note(`cluster ${part}: skipped, since redis-server is not installed`);
      continue;
    }
    const places = folders();
    try {
      await PARTS[part](installed, places);
    } finally {
      places.remove();
    }
  }
}
