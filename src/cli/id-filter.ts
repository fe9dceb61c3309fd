// The items that recommendations are limited to (--only) or leave out (--without).
import type { Context } from './context.ts';
import { resolveList } from './id-lists.ts';
import { readIds } from './lines.ts';

/** The lists of an option, and the ids of its file. */
export interface Filter {
  lists: string[];
  ids: string[];
}

/** What an option with lists and its twin with a file say; undefined where neither is given. */
export async function filterOf(context: Context, lists?: string[], file?: string): Promise<Filter | undefined> {
  if (lists === undefined && file === undefined) return undefined;
  return { lists: lists ?? [], ids: file === undefined ? [] : await readIds(file, context.signal) };
}

/** The ids of a filter, once a market is there that knows which ids it has. */
export function resolveFilter({ lists, ids }: Filter, known: (id: string) => boolean): string[] {
  return [...lists.flatMap((text) => resolveList(text, known)), ...ids];
}
