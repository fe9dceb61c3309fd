// Titles, categories, pages and pictures of items, kept in the model.
import { ArgumentError, checkObject } from '../common/errors.ts';
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
 * (await loadModel(encodeModel(titled))).itemData('P1000448'); // → { title: 'Red shoe' }
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

/** The texts at other positions. @param from of each new position the old one, or −1 */
export function moveItemData(data: ItemData | undefined, from: ArrayLike<number>): ItemData | undefined {
  if (data === undefined) return undefined;
  const moved = Object.entries(data).map(([name, list]) => [
    name,
    Array.from(from, (position) => (position < 0 ? null : list[position])),
  ]);
  return Object.fromEntries(moved);
}
