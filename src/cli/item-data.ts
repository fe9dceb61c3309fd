// Item data on the command line: read into a model, shown next to ids.
import { basename } from 'node:path';
import { Option } from 'commander';
import { type ItemProperties, readItems } from '../data/items.ts';
import type { Model } from '../model/model.ts';
import { checkProperties, itemDataOf, withItemData } from '../models/item-data.ts';
import type { Recommender } from '../models/recommender.ts';
import { readBytes } from '../node/input.ts';
import type { Context } from './context.ts';
import { nonEmpty, texts } from './options.ts';
import { formatCount, formatCounted } from './output.ts';

export const itemDataOption = () =>
  new Option(
    '--item-data <file>',
    'keep titles, categories, pages and pictures of items in the model: any file that is read, with a column for the id',
  ).argParser(nonEmpty);

export const propertiesOption = () =>
  new Option('--properties <a,b>', 'what to say of each item, as title,url (default: the title)').argParser(list);

const list = (text: string, before: string[] | undefined) => texts(text, before).flatMap((each) => each.split(','));

/** What a file says of items; undefined without a file. */
export interface ItemFile {
  name: string;
  items: Map<string, ItemProperties>;
}

/** Reads a file of items: before the work starts, so that nothing is lost by what is wrong with it. */
export async function readItemFile(context: Context, path: string | undefined): Promise<ItemFile | undefined> {
  if (path === undefined) return undefined;
  const name = basename(path);
  const items = await readItems(await readBytes(path, context.signal), name, {
    ...context.job,
    onWarning: ({ file, message }) => context.message(`warning: ${file}: ${message}`),
  });
  context.view.clear();
  return { name, items };
}

/** The model with what a file says of its items; a warning, and the same model, if that is nothing. */
export function addItemData(context: Context, model: Model, file: ItemFile | undefined): Model {
  if (file === undefined) return model;
  const { name, items } = file;
  const known = model.items.filter((item) => items.has(item));
  if (known.length === 0) {
    context.message(
      `warning: ${name}: none of its ${formatCounted(items.size, 'item')} is in the model, which is saved without; are the ids those of the interactions?`,
    );
    return model;
  }
  const described = withItemData(model, items);
  const names = Object.keys(described.itemData ?? {}).join(', ') || 'nothing';
  context.message(`${name}: ${names} of ${formatCount(known.length)} of ${formatCounted(model.items.length, 'item')}`);
  return described;
}

/** The properties to show next to ids, and their texts. */
export function shownProperties(
  recommender: Recommender,
  asked: readonly string[] | undefined,
): { names: readonly string[]; cells(item: string): string[]; with<T extends { item: string }>(each: T): T } {
  const there = Object.keys(recommender.model.itemData ?? {});
  const names = asked ?? there.filter((name) => name === 'title');
  checkProperties(recommender.model.itemData, names);
  return {
    names,
    cells(item) {
      const texts = itemDataOf(recommender.model, item, names) ?? {};
      return names.map((name) => texts[name] ?? '');
    },
    with(each) {
      const properties = itemDataOf(recommender.model, each.item, asked);
      return properties ? { ...each, properties } : each;
    },
  };
}
