import { mkdir, open, readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../common/errors.ts';
import type { BlobStore } from '../threads/work.ts';
import { folderBlobs } from './blob-folder.ts';
import { lockFile } from './lock.ts';
import { checkPath } from './output-file.ts';
import { attempt } from './system-error.ts';

/** The file of a folder that has its trials. */
export const TRIALS = 'trials.jsonl';

/** A folder of trials: lines in `trials.jsonl`, ranks by their digest. */
export interface TrialFolder<Line> {
  lines(): Promise<Line[]>;
  /** Appends a line and waits until the disk has it. */
  append(line: Line): Promise<void>;
  readonly blobs: BlobStore;
  /** Lets others write there. */
  close(): Promise<void>;
}

/**
 * Opens, or makes, a folder for the trials of an experiment. One process at a time may write there. A last line that a
 * killed process left without its end is cut off.
 *
 * @param onNote is called with what was mended
 * @throws DataError for a folder that holds something else, that another m3rec writes to, and a line that is no JSON.
 */
export async function openTrials<Line extends { key: string }>(
  path: string,
  onNote: (text: string) => void = () => {},
): Promise<TrialFolder<Line>> {
  checkPath(path);
  await attempt(path, () => mkdir(path, { recursive: true }));
  const file = join(path, TRIALS);
  const found = (await attempt(path, () => readdir(path))).filter((name) => !name.startsWith('.'));
  if (found.length > 0 && !found.includes(TRIALS))
    throw new DataError(
      path,
      undefined,
      `the folder has ${found[0]} and no ${TRIALS}; give another name, or an empty one`,
    );
  const unlock = await lockFile(file);
  try {
    await mend(file, onNote);
  } catch (error) {
    await unlock();
    throw error;
  }
  return {
    lines: () => readTrials<Line>(file),
    append: (line) =>
      attempt(file, async () => {
        const handle = await open(file, 'a');
        try {
          await handle.writeFile(`${JSON.stringify(line)}\n`);
          await handle.sync();
        } finally {
          await handle.close();
        }
      }),
    blobs: folderBlobs(path),
    close: unlock,
  };
}

/** The lines of a file of trials, oldest first. @throws DataError with the line. */
export async function readTrials<Line extends { key: string }>(file: string): Promise<Line[]> {
  const text = await attempt(file, () => readFile(file, 'utf8'));
  return text.split('\n').flatMap((line, i) => {
    if (line === '') return [];
    try {
      const value = JSON.parse(line);
      if (typeof value?.key === 'string') return [value as Line];
    } catch {
      // said below
    }
    throw new DataError(file, i + 1, 'this is no line of a trial; remove it, and its trial runs again');
  });
}

async function mend(file: string, onNote: (text: string) => void): Promise<void> {
  const handle = await attempt(file, () => open(file, 'a+'));
  const text = await handle.readFile('utf8').finally(() => handle.close());
  const end = text.lastIndexOf('\n') + 1;
  if (end === text.length) return;
  await attempt(file, () => truncate(file, Buffer.byteLength(text.slice(0, end))));
  onNote(`${file}: the last line was cut off, as by a process that was killed; its trial runs again`);
}
