// The items that recommendations are limited to (--only), or that they leave out (--without).
import type { Context } from './context.ts';
import { resolveList } from './id-lists.ts';
import { readIds } from './lines.ts';

/** The values of an option with lists, and the ids of the file that its twin names. */
export interface Filter {
  lists: string[];
  ids: string[];
}

/** The values of an option with lists and of its twin with a file; undefined if neither is given. */
export async function filterOf(context: Context, lists?: string[], file?: string): Promise<Filter | undefined> {
  if (lists === undefined && file === undefined) return undefined;
  return { lists: lists ?? [], ids: file === undefined ? [] : await readIds(file, context.signal) };
}

/** Resolves the ids of a filter, once the market's ids are known. */
export function resolveFilter({ lists, ids }: Filter, known: (id: string) => boolean): string[] {
  return [...lists.flatMap((text) => resolveList(text, known)), ...ids];
}
