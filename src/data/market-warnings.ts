// What is odd in markets once all files are read: duplicates, held-out rows that training rows do not know, names
// alike.
import type { Draft } from './draft.ts';
import type { Markets } from './markets.ts';
import { type DataWarning, plural } from './warnings.ts';

/** What programs write where there is no id. */
const NULLS = new Set(['NULL', 'null', 'NaN', 'nan', 'None', 'none', 'undefined', 'N/A', '<NA>', '#N/A']);

export function* marketWarnings(markets: Markets, drafts: ReadonlyMap<string, Draft>): Generator<DataWarning> {
  yield* similarNames(markets);
  for (const market of markets.markets) {
    const draft = drafts.get(market.name)!;
    const file = [...draft.trainFiles].join(', ');
    const duplicates = draft.train.users.length - market.interactions.indices.length;
    if (duplicates > 0)
      yield {
        kind: 'duplicate',
        file,
        market: market.name,
        message: `market ${market.name}: ${plural(duplicates, 'duplicate row')}, counted once`,
        count: duplicates,
        normal: true,
      };
    const { indptr } = market.interactions;
    for (const [user, id] of market.users.entries())
      if (NULLS.has(id))
        yield {
          kind: 'null-id',
          file,
          market: market.name,
          message: `market ${market.name}: a user is called ${id}, with ${plural(indptr[user + 1] - indptr[user], 'item')}; if that means none, leave these rows out: --where 'COLUMN!=${id}'`,
          count: 1,
        };
    yield* heldOutWarnings(market, draft);
  }
}

function* heldOutWarnings(market: Markets['markets'][number], draft: Draft): Generator<DataWarning> {
  for (const [split, { files }] of draft.heldOut) {
    const rows = market.heldOut[split];
    for (const { file, from, lines } of files) {
      let cold = 0;
      let firstCold = '';
      let unknown = 0;
      let firstUnknown = '';
      for (const [i, line] of lines.view().entries()) {
        const row = rows[from + i];
        if (row.item < 0 && cold++ === 0) firstCold = `${JSON.stringify(row.itemId)} at line ${line}`;
        if (row.user < 0 && unknown++ === 0) firstUnknown = `${JSON.stringify(row.userId)} at line ${line}`;
      }
      const about = { file, market: market.name };
      if (cold > 0)
        yield {
          ...about,
          kind: 'cold-item',
          message: `${plural(cold, 'held-out row')} with an item that no training row of market ${market.name} has, the first ${firstCold}`,
          count: cold,
        };
      if (unknown > 0)
        yield {
          ...about,
          kind: 'unknown-user',
          message: `${plural(unknown, 'held-out row')} with a user without history in market ${market.name}, the first ${firstUnknown}${hintOf(firstUnknown, market.users)}`,
          count: unknown,
        };
    }
  }
}

/**
 * Where every user of one kind of rows is a number that the other has as text of another form: 1 and 1.0, 7 and 007.
 */
function hintOf(first: string, users: readonly string[]): string {
  const id = JSON.parse(first.slice(0, first.lastIndexOf('" at line') + 1)) as string;
  if (!/^[\d.]+$/.test(id)) return '';
  const alike = users.find((user) => user !== id && /^[\d.]+$/.test(user) && Number(user) === Number(id));
  return alike === undefined ? '' : `; training rows have ${JSON.stringify(alike)}: ids are text, so write them alike`;
}

/** Names that differ by case, blanks, `_` and `-` alone. */
function* similarNames({ markets }: Markets): Generator<DataWarning> {
  const groups = new Map<string, string[]>();
  for (const { name } of markets) {
    const plain = name
      .normalize('NFKC')
      .toLowerCase()
      .replace(/[\s_-]+/g, '');
    groups.set(plain, [...(groups.get(plain) ?? []), name]);
  }
  for (const names of groups.values()) {
    if (names.length === 1) continue;
    yield {
      kind: 'similar-market',
      file: 'data',
      message: `${names.length} markets with names that read alike: ${names.map((name) => JSON.stringify(name)).join(', ')}`,
      count: names.length,
    };
  }
}
