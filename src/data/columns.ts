// Which column is what: the names that are known, the columns that a header has, and what to say where one is missing.
import { ArgumentError, DataError } from '../common/errors.ts';

/** What a column can be. */
export interface Role {
  /** Its canonical name. */
  label: string;
  /** Known names in lower case without blanks, `_`, `-` and `.`, those that are preferred first. */
  spellings: readonly string[];
}

/** The columns of interactions. */
export const ROLES = {
  user: {
    label: 'userId',
    spellings: words(
      'userid user uid reviewerid customerid customer visitorid clientid memberid accountid shopperid buyerid householdkey usersha1 username personid',
    ),
  },
  item: {
    label: 'itemId',
    spellings: words(
      'itemid item iid parentasin asin productid product prodid movieid stockcode sku articleid isbn businessid bookid songid trackid artistid videoid gameid gametitle animeid recipeid newsid venueid locationid aid articlecode productcode itemcode beerid',
    ),
  },
  rating: {
    label: 'rating',
    spellings: words('rating score stars overall rate ratings bookrating starrating reviewrating userrating'),
  },
  market: {
    label: 'market',
    spellings: words('market marketplace marketid country countrycode region marketcode storefront locale'),
  },
  time: {
    label: 'timestamp',
    spellings: words(
      'timestamp time datetime ts unixreviewtime date invoicedate orderdate orderedat createdat eventtime eventdate purchasedate transactiondate tdat transactiondt transactiontimestamp reviewdate utctime',
    ),
  },
  event: { label: 'event', spellings: words('event eventtype behavior behaviour behaviortype action actiontype') },
} satisfies Record<string, Role>;

export type RoleName = keyof typeof ROLES;

function words(text: string): string[] {
  return text.split(' ');
}

/** Columns by what they are: a name of the header, or a position from 1. */
export type ColumnOptions = Partial<Record<RoleName, string | number>>;

/** Where the columns of a file are. */
export interface FoundColumns {
  /** Position from 0 of each role that was found. */
  at: Record<string, number>;
  /** Roles for which the header has a second column of the same name. */
  twice: string[];
}

/** The name as it is compared: case, blanks, `_`, `-` and `.` do not count, nor does a type after a colon (RecBole). */
export function plainName(name: string): string {
  return name
    .trim()
    .replace(/^["'[]+|["'\]]+$/g, '')
    .replace(/:(token|float)(_seq)?$/, '')
    .toLowerCase()
    .replace(/[\s_.-]/g, '');
}

/**
 * The columns of `roles` in a header, by their known names, or as `chosen` says.
 * Missing ones are left out, but for those that were chosen: their names may be exact or as `plainName` has them.
 */
export function findColumns(
  names: readonly string[],
  roles: Record<string, Role>,
  chosen: Record<string, string | number | undefined> = {},
): FoundColumns {
  const plain = names.map(plainName);
  const found: FoundColumns = { at: {}, twice: [] };
  const taken = new Set<number>();
  for (const [role, column] of Object.entries(chosen)) {
    if (column === undefined) continue;
    const at = columnAt(names, column, plain);
    if (at === undefined) continue;
    found.at[role] = at;
    taken.add(at);
  }
  for (const [role, { spellings }] of Object.entries(roles)) {
    if (chosen[role] !== undefined) continue;
    const spelling = spellings.find((name) => plain.some((other, at) => other === name && !taken.has(at)));
    if (spelling === undefined) continue;
    found.at[role] = plain.findIndex((name, at) => name === spelling && !taken.has(at));
    if (plain.indexOf(spelling, found.at[role] + 1) >= 0) found.twice.push(role);
  }
  return found;
}

/** The position of a column by its name, exact or as `plainName` has it, or by its position from 1. */
export function columnAt(
  names: readonly string[],
  column: string | number,
  plain: readonly string[] = names.map(plainName),
): number | undefined {
  if (typeof column === 'number') return column <= names.length ? column - 1 : undefined;
  const exact = names.findIndex((name) => name.trim() === column.trim());
  if (exact >= 0) return exact;
  const near = plain.indexOf(plainName(column));
  return near >= 0 ? near : undefined;
}

/** Throws an ArgumentError unless each column is a name or a position from 1. */
export function checkColumnOptions(columns: unknown, roles: Record<string, Role>): void {
  if (typeof columns !== 'object' || columns === null || Array.isArray(columns))
    throw new ArgumentError('columns', columns, `an object such as { user: 'customer_id' }`);
  for (const [role, column] of Object.entries(columns)) {
    if (!Object.hasOwn(roles, role))
      throw new ArgumentError('columns', role, `one of ${Object.keys(roles).join(', ')}`);
    const right = typeof column === 'string' ? column.trim() !== '' : Number.isInteger(column) && column >= 1;
    if (column !== undefined && !right)
      throw new ArgumentError(`columns.${role}`, column, 'a name of the header, or a position from 1');
  }
}

/** The message for missing columns: what was found, and what to do. */
export function missingColumns(
  fileName: string,
  line: number,
  missing: readonly string[],
  names: readonly string[],
  roles: Record<string, Role>,
  chosen: Record<string, string | number | undefined> = {},
): DataError {
  const what = missing.map((role) => (chosen[role] === undefined ? roles[role].label : JSON.stringify(chosen[role])));
  const found = names.slice(0, 12).map((name) => JSON.stringify(shorten(name.trim())));
  const help = missing.map((role) => `${role}=NAME`).join(',');
  return new DataError(
    fileName,
    line,
    `no column ${what.join(', ')}; the header has ${found.join(', ')}${names.length > 12 ? ', ...' : ''}: name ${missing.length > 1 ? 'them' : 'it'} with --columns ${help}${missing.includes('market') ? ', or give all rows one market with --market NAME' : ''}`,
  );
}

export function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
