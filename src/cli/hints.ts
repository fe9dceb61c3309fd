// Finds what a person probably meant by a name that the model does not have.
import { ArgumentError } from '../common/errors.ts';
import type { Recommender } from '../models/recommender.ts';

/** Number of names that a message lists. */
const LISTED = 20;

/** The plain form of an id. Ids that a person would read as the same have the same one. */
const plain = (text: string) => text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();

/** The first of `choices` that a person would read as `text`: it differs by case, or in spaces. */
export function findAlike(text: string, choices: Iterable<string>): string | undefined {
  const wanted = plain(text);
  for (const choice of choices) if (plain(choice) === wanted) return choice;
  return undefined;
}

const quote = (text: string) => JSON.stringify(text);
const listed = (names: readonly string[]) =>
  names.slice(0, LISTED).map(quote).join(', ') + (names.length > LISTED ? ` and ${names.length - LISTED} more` : '');

/** @throws ArgumentError that lists the markets. */
export function checkMarket(recommender: Recommender, market: string): void {
  const { markets } = recommender;
  if (markets.includes(market)) return;
  const alike = findAlike(market, markets);
  throw ArgumentError.because(
    '--market',
    `the model has no market ${quote(market)}${alike === undefined ? '' : `; did you mean ${quote(alike)}?`}; it has ${listed(markets)}`,
  );
}

/** @throws ArgumentError that says who was probably meant, and what to do. */
export function checkUser(recommender: Recommender, market: string, user: string): void {
  if (recommender.hasUser(market, user)) return;
  const fail = (problem: string) => ArgumentError.because('--user', problem);
  const own = recommender.model.markets.find(({ name }) => name === market)!;
  if (!own.users) throw fail('this model was saved without users; give --items with what the user had instead');
  const elsewhere = recommender.markets.filter((name) => recommender.hasUser(name, user));
  if (elsewhere.length > 0)
    throw fail(
      `${quote(user)} is not a user of market ${quote(market)}, but of ${listed(elsewhere)}: give --market ${quote(elsewhere[0])}, or --items with what the user had`,
    );
  const alike = findAlike(user, own.users);
  throw fail(
    `market ${quote(market)} has no user ${quote(user)}${alike === undefined ? '; give --items with what the user had instead' : `; did you mean ${quote(alike)}?`}`,
  );
}

/** @throws ArgumentError that says which item was probably meant, or which markets have it. */
export function checkItem(recommender: Recommender, market: string, item: string): void {
  if (recommender.hasItem(market, item)) return;
  throw ArgumentError.because('--item', describeUnknownItems(recommender, market, [item]));
}

/** Describes in one line the items that a market does not know. */
export function describeUnknownItems(recommender: Recommender, market: string, items: readonly string[]): string {
  const { model } = recommender;
  const own = model.markets.find(({ name }) => name === market)!;
  const known = new Map<string, string>();
  for (const item of own.items) {
    const id = model.items[item];
    if (!known.has(plain(id))) known.set(plain(id), id);
  }
  const described = items.slice(0, LISTED).map((item) => {
    const alike = known.get(plain(item));
    if (alike !== undefined) return `${item} (did you mean ${quote(alike)}?)`;
    const elsewhere = recommender.markets.filter((name) => recommender.hasItem(name, item));
    return elsewhere.length > 0 ? `${item} (an item of ${listed(elsewhere)})` : item;
  });
  const more = items.length > LISTED ? ` and ${items.length - LISTED} more` : '';
  return `items that market ${market} does not know: ${described.join(', ')}${more}`;
}
