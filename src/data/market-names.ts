// The markets that names of files say.
import { knownFile, plainFileName } from './datasets.ts';
import { baseName, splitOf, stemOf } from './file-names.ts';

/** Words in names of files that are no markets. */
const NOISE =
  /^(\d+|\d+core|combined|part\d*|q[1-4]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|qrel|full|all|data|ratings?|reviews?|interactions?|events?|orders?|purchases?|rows|inter|market|export)$/;

/** The parts of a name other than its split and words that many files have. */
export function marketIn(rest: string): string {
  return rest
    .split(/[._ -]+/)
    .filter((part) => part !== '' && !NOISE.test(part))
    .join('_');
}

/** The market that a name says by itself: XMarket's ratings_de_Electronics. */
export function marketOf(path: string): string | undefined {
  return /^(?:ratings|reviews)_([a-z]{2})_/.exec(plainFileName(path))?.[1];
}

/**
 * The markets of files by what their names do not have in common, with the case of the names; one market, named after
 * the folder, where they differ by numbers alone, or say nothing (ratings.csv).
 */
export function marketsByName(paths: readonly string[], folder: string): string[] {
  const published = paths.map(marketOf);
  if (published.every((market) => market !== undefined)) return published as string[];
  const stems = paths.map((path) => {
    const base = baseName(path);
    const stem = base.slice(0, stemOf(path).length);
    const split = splitOf(path);
    return stem
      .split(/[._ -]+/)
      .filter((part) => part !== '' && !(split && !split.plain && !split.rest.split('_').includes(part.toLowerCase())));
  });
  if (paths.length === 1) {
    const says = stems[0].filter((part) => !NOISE.test(part.toLowerCase()));
    const whole = baseName(paths[0]).slice(0, stemOf(paths[0]).length);
    if (splitOf(paths[0])?.plain || knownFile(paths[0]) || says.length === 0) return [folder];
    return [says.length === stems[0].length ? whole : says.join('_')];
  }
  const common = stems[0].filter((part) => stems.every((parts) => parts.includes(part)));
  const rests = stems.map((parts) =>
    parts.filter((part) => !common.includes(part) && !NOISE.test(part.toLowerCase())).join('_'),
  );
  return rests.every((rest) => rest === '') ? rests.map(() => folder) : rests.map((rest) => rest || folder);
}

/** The market of a file that was named: its name without endings; that of its folder for train.csv. */
export function marketOfFile(path: string, folder: string): string {
  return (
    marketOf(path) ?? (splitOf(path)?.plain && folder !== '' ? folder : baseName(path).slice(0, stemOf(path).length))
  );
}
