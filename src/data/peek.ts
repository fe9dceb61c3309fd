import { DataError, M3RecError } from '../common/errors.ts';
import { Job } from '../common/job.ts';
import { ROLES } from './columns.ts';
import type { Recognised } from './recognised.ts';
import type { ReadingOptions } from './rows.ts';
import type { RowSource } from './source.ts';
import { readTable } from './table.ts';

class Enough extends Error {}

/**
 * What a file of interactions is, from its beginning.
 * @throws DataError where it has no users and items, or cannot be read.
 */
export async function peek(source: RowSource, fileName: string, options: ReadingOptions = {}): Promise<Recognised> {
  let recognised: Recognised | undefined;
  const sink = {
    start: (found: Recognised) => {
      recognised = found;
      throw new Enough();
    },
    row: () => {},
    bad: () => {},
  };
  try {
    await readTable(source, fileName, { roles: ROLES, needed: ['user', 'item'] }, options, sink, new Job());
  } catch (error) {
    if (recognised) return recognised;
    throw error;
  }
  throw new DataError(fileName, undefined, 'the file has no rows');
}

/** As `peek`, or the reason why it is none. */
export async function tryPeek(
  source: RowSource,
  fileName: string,
  options?: ReadingOptions,
): Promise<{ recognised: Recognised } | { error: M3RecError }> {
  try {
    return { recognised: await peek(source, fileName, options) };
  } catch (error) {
    if (error instanceof M3RecError) return { error };
    throw error;
  }
}
