// What was recognised of a file, and how a person is told.
import { ROLES } from './columns.ts';
import type { TextForm } from './recognise.ts';

/** How a file is written and which column is what. */
export interface Recognised {
  file: string;
  format: 'table' | 'lists' | 'groups' | 'blocks' | 'json' | 'parquet' | 'database';
  /** What it is packed in, outermost first: `gzip`, `zip`, `zstd`. */
  containers: readonly string[];
  /** Where it is not UTF-8. */
  encoding?: string;
  delimiter?: string;
  /** Whether columns have names. */
  header: boolean;
  quote?: 'none' | 'double' | 'backslash' | 'line';
  /** The column of each role that the file has: its name, or its position from 1 where there is no header. */
  columns: Record<string, string | number>;
  /** Roles that the header has twice; the first is read. */
  twice: readonly string[];
  /** Lines before the header. */
  prelude: number;
  dataset?: string;
  dates?: 'mdy' | 'dmy';
  /** The market of all rows, named after the file or folder, where there is no column for it and nobody said it. */
  market?: string;
}

export function recognisedOf(
  file: string,
  form: TextForm,
  containers: readonly string[],
  encoding: string | undefined,
): Recognised {
  const { kind, table, names, at } = form;
  const columns: Record<string, string | number> = {};
  for (const [role, column] of Object.entries(at))
    if (!role.startsWith('=')) columns[role] = names ? names[column].trim() : column + 1;
  return {
    file,
    format: kind,
    containers,
    ...(encoding !== undefined && { encoding }),
    ...(kind === 'table' && { delimiter: table.delimiter, quote: table.quotes }),
    header: names !== undefined,
    columns,
    twice: form.twice,
    prelude: form.prelude,
    ...(form.dataset !== undefined && { dataset: form.dataset }),
    ...(form.dates !== undefined && { dates: form.dates }),
  };
}

const DELIMITER_NAMES: Record<string, string> = { '\t': 'tabs', ' ': 'spaces', '\x01': 'control-A' };
const FORMAT_NAMES: Record<Recognised['format'], string> = {
  table: '',
  lists: 'a user and all items in a line',
  groups: 'films above their ratings',
  blocks: 'a column a line',
  json: 'JSON',
  parquet: 'Parquet',
  database: 'rows of a database',
};

/**
 * One line, without the file's name: `'::' between columns, no header: user, item, rating, time`.
 * @example
 * const lines = [];
 * const onRecognised = (recognised) => lines.push(describe(recognised));
 * const source = 'userId,itemId\nu1,shoe-9\n';
 * await readMarkets([{ market: 'de', split: 'train', name: 'de.csv', source }], { onRecognised });
 * lines.length; // → 1
 */
export function describe(recognised: Recognised): string {
  const { format, containers, encoding, delimiter, header, columns, prelude, dataset, quote, market } = recognised;
  const parts = [...containers];
  if (encoding !== undefined) parts.push(encoding);
  parts.push(
    format === 'table' ? `${DELIMITER_NAMES[delimiter!] ?? `'${delimiter}'`} between columns` : FORMAT_NAMES[format],
  );
  if (quote === 'none') parts.push('quotes are characters');
  if (prelude > 0) parts.push(`${prelude} line${prelude === 1 ? '' : 's'} before the header`);
  const found = Object.entries(columns);
  let what: string;
  if (header) {
    const named = found.map(([role, name]) => (isPlain(role, String(name)) ? name : `${role} = ${name}`));
    what = `${format === 'table' ? 'header: ' : ''}${named.join(', ')}`;
  } else {
    const byPosition = found.sort(([, a], [, b]) => Number(a) - Number(b));
    const gaps = byPosition.some(([, position], i) => position !== i + 1);
    what = `no header: ${byPosition.map(([role, position]) => (gaps ? `${role} = ${position}` : role)).join(', ')}`;
  }
  if (format === 'lists' || format === 'groups') what = '';
  const text =
    parts.join(', ') +
    (what === '' ? '' : format === 'table' ? `, ${what}` : `: ${what}`) +
    (market === undefined ? '' : `; one market, called ${market} (--market names it)`);
  return dataset === undefined ? text : `${text} (${dataset})`;
}

/** Whether there is nothing to say: a comma or tab between columns, and a header with the very names. */
export function isUsual(recognised: Recognised): boolean {
  const { format, containers, encoding, delimiter, header, columns, prelude, dataset, quote, market } = recognised;
  return (
    format === 'table' &&
    containers.length === 0 &&
    [encoding, dataset, market].every((each) => each === undefined) &&
    (delimiter === ',' || delimiter === '\t') &&
    quote !== 'none' &&
    header &&
    prelude === 0 &&
    Object.entries(columns).every(([role, name]) => isPlain(role, String(name)))
  );
}

function isPlain(role: string, name: string): boolean {
  const { label } = (ROLES as Record<string, { label: string }>)[role] ?? { label: role };
  return name === label || name === role;
}
