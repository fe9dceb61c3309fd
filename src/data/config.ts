// m3rec.json: what is said of the files in its folder.
import { DataError, M3RecError } from '../common/errors.ts';
import { describe, type Recognised } from './recognised.ts';
import { checkReadingOptions, type ReadingOptions } from './rows.ts';

export const CONFIG_NAME = 'm3rec.json';

/** What an m3rec.json may say. */
export interface DataConfig extends ReadingOptions {
  /** The market of all rows of the folder. */
  market?: string;
}

const KEYS = [
  'market',
  'columns',
  'header',
  'delimiter',
  'quote',
  'encoding',
  'dates',
  'minRating',
  'where',
  'events',
  'since',
  'until',
  'skipBadRows',
  'maxBadRows',
];

/** @throws DataError that names the file and what is wrong in it. */
export function parseConfig(text: string, fileName: string): DataConfig {
  let config: unknown;
  try {
    config = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new DataError(fileName, undefined, `invalid JSON: ${(error as Error).message}`);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new DataError(fileName, undefined, 'expected an object, such as {"columns": {"user": "customer_id"}}');
  for (const key of Object.keys(config))
    if (!KEYS.includes(key))
      throw new DataError(fileName, undefined, `${JSON.stringify(key)} is not known: expected ${KEYS.join(', ')}`);
  try {
    checkReadingOptions(config as ReadingOptions);
  } catch (error) {
    if (error instanceof M3RecError) throw new DataError(fileName, undefined, error.message);
    throw error;
  }
  const { market } = config as DataConfig;
  if (market !== undefined && (typeof market !== 'string' || market.trim() === ''))
    throw new DataError(fileName, undefined, 'market: expected its name, as text');
  return config as DataConfig;
}

/** The config that says what was recognised of a file, so that nothing has to be recognised again. */
export function proposeConfig({ header, columns, delimiter, quote, encoding, dates, format }: Recognised): DataConfig {
  if (format !== 'table') return format === 'json' || format === 'parquet' ? { columns } : {};
  return {
    columns,
    header,
    delimiter: delimiter === '\t' ? 'tab' : delimiter,
    ...((quote === 'none' || quote === 'backslash') && { quote }),
    ...(encoding !== undefined && { encoding }),
    ...(dates !== undefined && { dates }),
  };
}

/** One config for files that are all written alike. @throws DataError where two are not. */
export function proposeOne(files: readonly Recognised[]): DataConfig {
  const [first] = files;
  const proposed = JSON.stringify(proposeConfig(first));
  for (const other of files)
    if (JSON.stringify(proposeConfig(other)) !== proposed)
      throw new DataError(
        other.file,
        undefined,
        `has another form (${describe(other)}) than ${first.file} (${describe(first)}): one m3rec.json cannot describe both; put one into each folder`,
      );
  return proposeConfig(first);
}
