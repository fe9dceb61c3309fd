// What the first lines of a file without a header look like.
import { split, type TableForm } from './delimited.ts';

/** In the order of preference; a space is tried last. */
export const DELIMITERS = ['\t', ',', ';', '|', '::', '\x01'];

/** The delimiter that cuts every line into the same number of fields, most of them first. */
export function mostRegular(sample: readonly string[]): string | undefined {
  let best: string | undefined;
  let most = 1;
  for (const delimiter of [...DELIMITERS, ' ']) {
    const widths = sample.map((text) => split(text, delimiter).length);
    if (widths[0] > most && widths.every((width) => width === widths[0])) [best, most] = [delimiter, widths[0]];
  }
  return best;
}

/** The number of fields that most of the first rows have. */
export function commonWidth(sample: readonly string[], { delimiter }: TableForm): number {
  const counts = new Map<number, number>();
  for (const text of sample) {
    const { length } = split(text, delimiter);
    counts.set(length, (counts.get(length) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || a - b)[0][0];
}

interface Shape {
  kind: 'lists' | 'groups' | 'blocks';
  delimiter: string;
  at: Record<string, number>;
  /** The columns that it has, besides user and item. */
  more?: string[];
  dataset?: string;
  what: string;
}

/** Files that are no tables, known by what their lines look like. */
export function shapeOf(sample: readonly string[]): Shape | undefined {
  if (/^\d+:$/.test(sample[0]) && sample.slice(1).every((text) => /^\d+(:|,\d|$)/.test(text)))
    return {
      kind: 'groups',
      delimiter: ',',
      at: { user: 0, rating: 1, time: 2 },
      more: ['rating', 'time'],
      dataset: 'Netflix Prize',
      what: 'a file with films above their ratings',
    };
  if (/^(product|beer)\/\w+: /.test(sample[0]) && sample.some((text) => text.startsWith('review/')))
    return {
      kind: 'blocks',
      delimiter: ': ',
      at: {},
      more: ['rating', 'time'],
      dataset: 'Amazon reviews 2013 (SNAP)',
      what: 'a file with a column a line',
    };
  const rows = sample.map((text) => text.trim().split(/ +/));
  const rising = rows.every((row, i) => /^\d+$/.test(row[0]) && (i === 0 || Number(row[0]) > Number(rows[i - 1][0])));
  const whole = rows.every((row) => row.every((id) => /^\d+$/.test(id)));
  const ragged = new Set(rows.map(({ length }) => length)).size > 1;
  if (rows.length > 1 && rising && whole && ragged)
    return {
      kind: 'lists',
      delimiter: ' ',
      at: { user: 0, item: 1 },
      dataset: 'LightGCN',
      what: 'a file with a user and all items in a line',
    };
  return undefined;
}
