// Options that several commands have, and the values that options take.
import { InvalidArgumentError, Option } from 'commander';
import { MAX_THREADS } from '../threads/pool.ts';
import type { Range } from '../train/options.ts';

/** Which rows of the data a command reads. */
export interface DataOptions {
  minRating?: number;
  markets?: string[];
}

export function number({ min, max, whole: integer, multipleOf = 1 }: Range): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= min && value <= max) || (integer && value % multipleOf !== 0)) {
      const kind = multipleOf > 1 ? `multiple of ${multipleOf}` : integer ? 'whole number' : 'number';
      throw new InvalidArgumentError(`Expected a ${kind} from ${min} to ${max}.`);
    }
    return value;
  };
}

export const whole = (min: number, max: number) => number({ min, max, whole: true });

/** Ids with commas between them; none in an empty text. */
export function ids(text: string): string[] {
  if (text === '') return [];
  const list = text.split(',').map((id) => id.trim());
  if (list.includes('')) throw new InvalidArgumentError('Expected ids with commas between them.');
  return list;
}

export function nonEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('Expected some text.');
  return text;
}

export const jsonOption = () => new Option('--json', 'print JSON instead of a table');
export const marketOption = () => new Option('--market <name>', 'the market').argParser(nonEmpty).makeOptionMandatory();
export const countOption = () => new Option('-k <n>', 'how many').argParser(whole(1, 1_000_000)).default(10);
export const minRatingOption = () =>
  new Option('--min-rating <r>', 'leave out rows with a lower rating').argParser(number({ min: -1e9, max: 1e9 }));
export const threadsOption = () =>
  new Option('--threads <n>', 'threads to run on; the result is the same (default: one for each core)').argParser(
    whole(1, MAX_THREADS),
  );
export const marketsOption = () => new Option('--markets <a,b>', 'use these markets only').argParser(ids);
export const relaxedOption = () =>
  new Option('--relaxed', 'relaxed SIMD: faster, but the bytes of the file depend on the processor');
export const heldOutOption = () =>
  new Option('--held-out <name>', 'which held-out rows').choices(['valid', 'test']).default('valid');
