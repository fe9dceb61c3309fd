// What is odd in data that reading goes on after, counted per file and kind, with the first case.
import { ArgumentError, DataError } from '../common/errors.ts';

/** Something in the data that a person should know of; reading goes on. */
export interface DataWarning {
  kind:
    | 'duplicate'
    | 'cold-item'
    | 'unknown-user'
    | 'low-rating'
    | 'filtered'
    | 'ignored-file'
    | 'incomplete-row'
    | 'bad-row'
    | 'trimmed-id'
    | 'line-break'
    | 'null-id'
    | 'repeated-header'
    | 'second-column'
    | 'similar-market';
  file: string;
  /** Where the warning is about one market. */
  market?: string;
  /** One line, with the first case. */
  message: string;
  count: number;
  /** Where it is normal, or was asked for: duplicates, rows that a filter leaves out. */
  normal?: true;
}

/**
 * How many rows may be malformed where these are left out: rows of a file, or a share of them (`'1%'`; one row always
 * may).
 */
export type MaxBadRows = number | `${number}%`;
export const MAX_BAD_ROWS: MaxBadRows = '1%';

/** Malformed rows after which their share is looked at before the file ends. */
const EARLY = 1000;

interface Count {
  count: number;
  line: number;
  first: string;
}

/** What was odd in the rows of one file. */
export class RowFaults {
  private readonly counts = new Map<DataWarning['kind'], Map<string, Count>>();
  private bad = 0;
  private firstBad: [problem: string, line: number] | undefined;

  /** @param skip whether malformed rows are left out, up to `most` of them. */
  constructor(
    private readonly fileName: string,
    private readonly skip: boolean,
    private readonly most: MaxBadRows,
  ) {}

  /** Counts a case of a kind; `what` tells cases of one kind apart. */
  add(kind: DataWarning['kind'], what: string, line: number, first = ''): void {
    let counts = this.counts.get(kind);
    if (!counts) {
      counts = new Map();
      this.counts.set(kind, counts);
    }
    const known = counts.get(what);
    if (known) known.count++;
    else counts.set(what, { count: 1, line, first });
  }

  /**
   * @throws DataError unless malformed rows are left out, and there are not too many. `good`: rows that were right so
   * far.
   */
  malformed(problem: string, line: number, good: number): void {
    if (!this.skip) throw new DataError(this.fileName, line, problem);
    this.firstBad ??= [problem, line];
    this.bad++;
    if (this.bad % EARLY === 0) this.checkShare(good);
  }

  /** @throws DataError where too many rows were malformed. */
  checkShare(good: number): void {
    const { bad, most, firstBad } = this;
    if (!firstBad) return;
    const allowed = typeof most === 'number' ? most : Math.max(1, (Number.parseFloat(most) / 100) * (good + bad));
    if (bad > allowed)
      throw new DataError(
        this.fileName,
        firstBad[1],
        `${bad} malformed rows of ${good + bad}, more than ${typeof most === 'number' ? most : most} (--max-bad-rows); the first: ${firstBad[0]}`,
      );
  }

  /** All warnings of the file. */
  *warnings(): Generator<DataWarning> {
    const { fileName: file, firstBad, bad } = this;
    if (firstBad)
      yield {
        kind: 'bad-row',
        file,
        message: `${plural(bad, 'malformed row')} left out, the first at line ${firstBad[1]}: ${firstBad[0]}`,
        count: bad,
      };
    for (const [kind, counts] of this.counts)
      for (const [what, { count, line, first }] of counts)
        yield {
          kind,
          file,
          message: MESSAGES[kind]!(count, what) + (line > 0 ? `, the first at line ${line}` : '') + first,
          count,
          ...(['low-rating', 'filtered', 'duplicate'].includes(kind) && { normal: true as const }),
        };
  }
}

const MESSAGES: Partial<Record<DataWarning['kind'], (count: number, what: string) => string>> = {
  'incomplete-row': (count, what) => `${plural(count, 'row')} without ${what} left out`,
  duplicate: (count) => `${plural(count, 'row')} of an item that came before, left out`,
  'low-rating': (count, what) => `${plural(count, 'row')} with a rating below ${what} left out`,
  filtered: (count, what) => `${plural(count, 'row')} left out by ${what}`,
  'trimmed-id': (count, what) => `${plural(count, 'row')} with blanks around ${what}, taken without them`,
  'line-break': (count, what) => `${plural(count, 'row')} with a line break in ${what}`,
  'repeated-header': (count) =>
    count === 1 ? '1 row repeats the header and is left out' : `${count} rows repeat the header and are left out`,
};

/** @throws ArgumentError for what is no limit. */
export function checkMaxBadRows(most: unknown): MaxBadRows {
  const share = typeof most === 'string' && /^\d+(\.\d+)?%$/.test(most) && Number.parseFloat(most) <= 100;
  if (!share && !(Number.isInteger(most) && (most as number) >= 0))
    throw new ArgumentError('maxBadRows', most, 'a number of rows, or a share such as 1%');
  return most as MaxBadRows;
}

export function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
