// Titles, categories, pages and pictures of items, kept in the model.
import { ArgumentError, checkObject, checkTexts } from '../common/errors.ts';
import type { ItemProperties } from '../data/items.ts';
import type { ItemData, Model } from '../model/model.ts';

/**
 * The model with what is known of its items, as `readItems` gives it; what it had before is replaced. Items that the model does not
 * have are left out. The file grows by about the bytes of the texts.
 *
 * @throws ArgumentError if no item of the model is among them.
 * @example
 * const items = await readItems('itemId,title\nP1000448,Red shoe\n', 'items.csv');
 * const titled = withItemData(model, items);
 * itemDataOf(titled, 'P1000448'); // → { title: 'Red shoe' }
 */
export function withItemData(model: Model, properties: ReadonlyMap<string, ItemProperties>): Model {
  checkObject('model', model);
  const lists = new Map<string, (string | null)[]>();
  let known = 0;
  for (const [position, item] of model.items.entries()) {
    const own = properties.get(item);
    if (own === undefined) continue;
    known++;
    for (const [name, text] of Object.entries(own)) {
      let list = lists.get(name);
      if (!list) {
        list = new Array<string | null>(model.items.length).fill(null);
        lists.set(name, list);
      }
      list[position] = text;
    }
  }
  if (known === 0)
    throw ArgumentError.because(
      'properties',
      `none of these ${properties.size.toLocaleString('en-US')} items is in the model; are the ids those of the interactions?`,
    );
  return { ...model, itemData: Object.fromEntries(lists) };
}

/**
 * What the model says of an item: title, category, page and picture where it has them; undefined if nothing.
 *
 * @param names only these properties
 * @throws ArgumentError for a property that the model has for no item.
 * @example
 * itemDataOf(recommender.model, 'P1000448'); // → undefined
 */
export function itemDataOf(
  { items, itemData = {} }: Model,
  item: string,
  names?: readonly string[],
): Record<string, string> | undefined {
  const wanted = names === undefined ? Object.keys(itemData) : checkProperties(itemData, names);
  const position = positionOf(items, item.trim());
  const texts = wanted.flatMap((name) => {
    const text = itemData[name][position] ?? null;
    return text === null ? [] : [[name, text] as const];
  });
  return texts.length > 0 ? Object.fromEntries(texts) : undefined;
}

/**
 * Names of properties, all of which the model has.
 * @param argument names them in errors
 * @throws ArgumentError for what are no names, and for the first that the model has for no item.
 */
export function checkProperties(
  itemData: ItemData = {},
  names: readonly string[],
  argument = 'properties',
): readonly string[] {
  const there = Object.keys(itemData);
  for (const name of checkTexts(argument, names, 'names of properties'))
    if (!Object.hasOwn(itemData, name))
      throw new ArgumentError(
        argument,
        name,
        there.join(', ') || 'none, since the model has no item data (train --item-data)',
      );
  return names;
}

/** By bisection: ids are sorted by UTF-16 code units. −1 for one that is not there. */
function positionOf(items: readonly string[], item: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (items[middle] < item) low = middle + 1;
    else high = middle;
  }
  return items[low] === item ? low : -1;
}

/** The texts at other positions. @param from of each new position the old one, or −1 */
export function moveItemData(data: ItemData | undefined, from: ArrayLike<number>): ItemData | undefined {
  if (data === undefined) return undefined;
  const moved = Object.entries(data).map(([name, list]) => [
    name,
    Array.from(from, (position) => (position < 0 ? null : list[position])),
  ]);
  return Object.fromEntries(moved);
}
