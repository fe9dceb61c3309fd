// Properties of items: titles, categories, pages, pictures.
import { checkTexts } from '../common/errors.ts';
import { Job, type JobOptions } from '../common/job.ts';
import { ROLES, type Role } from './columns.ts';
import type { LayoutOptions } from './recognise.ts';
import { checkReadingOptions, MAX_FIELD, type ReadingOptions } from './rows.ts';
import type { RowSource } from './source.ts';
import { readTable } from './table.ts';
import { badCharacters, copyString } from './text.ts';
import { type DataWarning, MAX_BAD_ROWS, RowFaults } from './warnings.ts';

/** Columns of items, with the names that are known; all but the id may be missing. */
export const ITEM_ROLES = {
  item: { label: 'itemId', spellings: [...ROLES.item.spellings, 'id'] },
  title: {
    label: 'title',
    spellings: ['title', 'name', 'productname', 'producttitle', 'itemname', 'description', 'booktitle'],
  },
  category: {
    label: 'category',
    spellings: ['category', 'maincategory', 'categoryname', 'categories', 'genres', 'genre', 'department'],
  },
  url: { label: 'url', spellings: ['url', 'link', 'href', 'producturl', 'page'] },
  image: { label: 'image', spellings: ['image', 'imageurl', 'imurl', 'picture', 'thumbnail', 'imageurll'] },
} satisfies Record<string, Role>;

/** What is known of one item; only what the file says. */
export type ItemProperties = Readonly<Record<string, string>>;

export interface ItemOptions
  extends LayoutOptions,
    JobOptions,
    Pick<ReadingOptions, 'skipBadRows' | 'maxBadRows' | 'maxExpansion'> {
  /** Further columns to read, by their names. */
  properties?: readonly string[];
  onWarning?: (warning: DataWarning) => void;
}

/**
 * Reads a file of items: any form that `readRows` reads, a row an item, with a column for the id and, if it has them,
 * `title`, `category`, `url`, `image` and what `properties` names. Of an item that comes twice the first row counts.
 *
 * @example
 * const items = await readItems('sku;name\nshoe-9;Red shoe\n', 'items.csv');
 * items.get('shoe-9'); // → { title: 'Red shoe' }
 *
 * @returns what is known of each item, by its id, in the order of the file.
 * @throws DataError as `readRows`. @throws ArgumentError for options that are none. @throws AbortedError
 */
export async function readItems(
  source: RowSource,
  fileName: string,
  options: ItemOptions = {},
): Promise<Map<string, ItemProperties>> {
  checkReadingOptions({ ...options, columns: undefined });
  const properties = checkTexts('properties', options.properties ?? [], 'an array of names of columns');
  const job = new Job(options);
  const faults = new RowFaults(fileName, options.skipBadRows ?? false, options.maxBadRows ?? MAX_BAD_ROWS);
  const items = new Map<string, ItemProperties>();
  const read: [name: string, place: number][] = [];
  let id = 0;
  let replaced = false;
  let good = 0;
  const named = Object.keys(ITEM_ROLES).slice(1);
  await readTable(
    source,
    fileName,
    { roles: ITEM_ROLES, needed: ['item'], welcome: named, named: properties },
    options,
    {
      start: (recognised, slots) => {
        id = slots.item;
        replaced = recognised.encoding !== undefined;
        for (const name of named) if (slots[name] !== undefined) read.push([name, slots[name]]);
        for (const name of properties) read.push([name, slots[`=${name}`]]);
      },
      row: (values, line) => {
        const item = values[id].trim();
        const problem = item.length > MAX_FIELD ? `more than ${MAX_FIELD} characters` : badCharacters(item, replaced);
        if (problem !== undefined) {
          faults.malformed(`itemId has ${problem}`, line, good);
          return;
        }
        good++;
        if (item === '') faults.add('incomplete-row', 'an item', line);
        else if (items.has(item)) faults.add('duplicate', '', line);
        else
          items.set(
            copyString(item),
            Object.fromEntries(
              read.map(([name, place]) => [name, copyString(values[place].trim())]).filter(([, text]) => text !== ''),
            ),
          );
      },
      bad: (problem, line) => faults.malformed(problem, line, good),
    },
    job,
  );
  faults.checkShare(good);
  if (options.onWarning) for (const warning of faults.warnings()) options.onWarning(warning);
  return items;
}
