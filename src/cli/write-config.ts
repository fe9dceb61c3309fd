import { stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArgumentError, DataError } from '../common/errors.ts';
import { CONFIG_NAME, proposeOne } from '../data/config.ts';
import type { Recognised } from '../data/recognised.ts';
import { databaseOf } from '../node/databases.ts';
import { attempt } from '../node/system-error.ts';

/**
 * Writes what was recognised to a m3rec.json next to the data: in the data's folder if all files have the same form,
 * else in the folder of each file.
 * @returns the paths written.
 * @throws DataError if a m3rec.json exists, or files of one folder differ in form. @throws ArgumentError for standard
 * input.
 */
export async function writeConfig(paths: readonly string[], recognised: readonly Recognised[]): Promise<string[]> {
  const none = paths.find((path) => path === '-' || databaseOf(path));
  if (none !== undefined) throw new ArgumentError('--write-config', none, 'data that is a file or folder');
  const proposals = new Map<string, string>();
  const [first] = paths;
  const isFolder = paths.length === 1 && (await attempt(first, () => stat(first))).isDirectory();
  const alike = () => proposals.set(isFolder ? first : dirname(first), toText(recognised));
  try {
    alike();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const folders = new Map<string, Recognised[]>();
    for (const file of recognised) folders.set(dirname(file.file), [...(folders.get(dirname(file.file)) ?? []), file]);
    for (const [folder, files] of folders) proposals.set(folder, toText(files));
  }
  const written: string[] = [];
  for (const [folder, text] of proposals) {
    const path = join(folder, CONFIG_NAME);
    if (await stat(path).catch(() => undefined))
      throw new DataError(path, undefined, 'this file exists already; remove it first');
    await attempt(path, () => writeFile(path, text, { flag: 'wx' }));
    written.push(path);
  }
  return written;
}

function toText(files: readonly Recognised[]): string {
  return `${JSON.stringify(proposeOne(files), null, 2)}\n`;
}
