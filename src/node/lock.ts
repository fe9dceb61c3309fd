import { randomBytes } from 'node:crypto';
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { DataError } from '../common/errors.ts';
import { addLeftover, forgetLeftover } from './leftovers.ts';
import { stemOf } from './output-file.ts';
import { attempt } from './system-error.ts';

/** How long to wait for processes that want the lock at the same moment, and how often to look. */
const WAIT_MS = 2000;
const POLL_MS = 20;

interface Other {
  path: string;
  /** "process 12 on shop", in messages. */
  who: string;
  /** Whether it certainly has the lock; if not, it may still be trying. */
  held: boolean;
}

/**
 * Locks a path against other processes that lock it too. Each writes its own file `.NAME.<12 hex digits>.lock`, which
 * names its process, next to the path, and then looks for others. It has the lock if there are none, so two never have
 * it. Of several that try at once, the one with the lowest digits stays. Files of processes that have ended on this
 * machine are removed.
 *
 * @returns a function that releases the lock.
 * @throws DataError if another process has it.
 */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  const lock = join(dirname(path), `.${stemOf(path)}.${randomBytes(6).toString('hex')}.lock`);
  const unlock = async () => {
    if (forgetLeftover(lock)) await rm(lock, { force: true });
  };
  try {
    await attempt(path, () => writeFile(lock, `${process.pid} ${hostname()}\n`, { flag: 'wx' }));
    addLeftover(lock);
    const until = Date.now() + WAIT_MS;
    for (;;) {
      const [first] = await attempt(path, () => findOthers(path, lock));
      if (first === undefined) break;
      if (first.held || first.path < lock || Date.now() > until)
        throw new DataError(
          path,
          undefined,
          `another m3rec is writing this file (${first.who}); wait for it, or, if it is gone, remove ${first.path}`,
        );
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    await appendFile(lock, 'held\n');
    return unlock;
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** The other lock files for this path: first the one that has the lock, then by name. */
async function findOthers(path: string, lock: string): Promise<Other[]> {
  const folder = dirname(path);
  const start = `.${stemOf(path)}.`;
  const others: Other[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const other = join(folder, name);
    if (other === lock || !name.startsWith(start) || !/^[0-9a-f]{12}\.lock$/.test(name.slice(start.length))) continue;
    const text = await readFile(other, 'utf8').catch(() => undefined);
    // Released meanwhile.
    if (text === undefined) continue;
    const [, pid, host, held] = /^(\d+) (.*)\n(held\n)?$/.exec(text) ?? [];
    if (pid !== undefined && host === hostname() && isGone(Number(pid))) await rm(other, { force: true });
    else
      others.push({
        path: other,
        who: pid === undefined ? 'it has just begun' : `process ${pid} on ${host}`,
        held: held !== undefined,
      });
  }
  return others.sort((a, b) => Number(b.held) - Number(a.held));
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
