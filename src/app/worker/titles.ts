// What items are called: by files of items, by a model that brings it along, and as the page takes it.
import type { Model } from '../../model/model.ts';
import type { Title } from './api.ts';

export const titleMap = (items: readonly Title[]): Map<string, Title> => new Map(items.map((item) => [item.id, item]));

/** Those that a model brings with it, if it has any. */
export function titlesOf({ items, itemData }: Model): Map<string, Title> | undefined {
  if (itemData === undefined) return undefined;
  const { title = [], category = [], image = [] } = itemData;
  const named = items.map((id, i) => ({
    id,
    title: title[i] ?? '',
    category: category[i] ?? '',
    ...(image[i] && { image: image[i] }),
  }));
  return titleMap(named.filter((item) => item.title));
}

/** Every item of a model: id, title, category and picture, a line each. */
export function titleLines({ items }: Model, titles: ReadonlyMap<string, Title>): string {
  const line = (id: string) => {
    const { title = '', category = '', image = '' } = titles.get(id) ?? {};
    return [id, title, category, image].join('\t');
  };
  return items.map(line).join('\n');
}
