// npm run faults: every fault on both servers, and a table of what was seen.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { save, show, table } from '../../bench/harness/report.mjs';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-faults-report-'));
const file = join(folder, 'seen.json');
const vitest = ['node_modules/vitest/vitest.mjs', 'run', 'test/cluster/faults.test.ts', '--reporter=verbose'];
const { status } = spawnSync(process.execPath, vitest, {
  stdio: 'inherit',
  env: { ...process.env, M3REC_FAULTS: file },
});
const seen = JSON.parse(readFileSync(file, 'utf8'));
rmSync(folder, { recursive: true, force: true });
const block = table(
  ['what happens', 'server', 'seconds', 'jobs begun', 'of these again'],
  seen.map(({ fault, server, seconds, begun, twice }) => [fault, server, seconds.toFixed(1), begun, twice]),
  2,
);
const text =
  'Each row is a test that passed: the SHA-256 of what came out is that of the single process, and no job was begun again but those under way where something was lost (after a machine that lies: all of them, in a clean store). Workers of one thread; seconds from the first submission to the last result, in which the machine did other things too.';
if (status === 0)
  save('cluster/faults', 'Several machines: what is lost, and what that costs', [text, block], { seen });
show(block);
process.exitCode = status;
