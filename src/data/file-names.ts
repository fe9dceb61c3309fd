// What the names of files say: data or not, which split, which market.
import { plainFileName } from './datasets.ts';

/** What the rows of a file are for: `train` to learn from, `valid` and `test` held out for evaluation. */
export type Split = 'train' | 'valid' | 'test';

const DATA_ENDING =
  /\.(csv|tsv|tab|txt|dat|data|inter|rating|base|test|psv|json|jsonl|ndjson|parquet|pq)(\.(gz|gzip|zst|zstd))?$|\.zip$/i;
/** Files that stand beside data everywhere and are none; nobody needs to be told. */
const BESIDE =
  /^(readme|license|licence|copying|changelog|citation|manifest|makefile|thumbs\.db|desktop\.ini|m3rec\.json|split\.json|_success)(\..*)?$|\.(md|pdf|html?|sh|py|ipynb|r|sql|log|crc|md5|sha1|sha256|yml|yaml|m3rec)$/i;
/** Files of published data sets beside their interactions: run files, ids, graphs, texts about items and users. */
const OTHER =
  /^(valid|test)_run\.tsv$|^(user|item|entity|relation)_list\.txt$|^kg_final\.txt$|\.test\.negative$|\.(item|user|kg|link|net)$|^(movies|users)\.dat$|^u\.(item|user|genre|info|occupation)$|^(metadata|meta)_|^(movie_titles|probe|qualifying)\./i;
const ITEMS = /^items?\.(csv|tsv|txt|json|jsonl|ndjson|parquet)$/;

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/** Lock files, files of the system, and whatever else begins with a dot or a tilde. */
export function isHidden(path: string): boolean {
  return /(^|[/\\])(\.|~|#|__MACOSX([/\\]|$))/.test(path);
}

/** Whether a name may be that of a data file. */
export function isDataName(path: string): boolean {
  const name = baseName(path);
  return DATA_ENDING.test(name) && !isHidden(path) && !BESIDE.test(name);
}

/** Whether nobody needs to be told that the file was passed over. */
export function isBeside(path: string): boolean {
  return isHidden(path) || BESIDE.test(baseName(path));
}

/** Whether it is known to hold something else than interactions. */
export function isOther(path: string): boolean {
  return OTHER.test(plainFileName(path));
}

/** Whether it describes items. */
export function isItemFile(path: string): boolean {
  return ITEMS.test(plainFileName(path));
}

const SPLITS: Record<string, Split> = {
  train: 'train',
  training: 'train',
  base: 'train',
  valid: 'valid',
  validation: 'valid',
  val: 'valid',
  dev: 'valid',
  test: 'test',
  testing: 'test',
};

/** The name without endings. */
export function stemOf(path: string): string {
  return plainFileName(path)
    .replace(/\.zip$/, '')
    .replace(/\.(csv|tsv|tab|txt|dat|data|inter|rating|psv|json|jsonl|ndjson|parquet|pq)$/, '');
}

/**
 * The split that a name says, and how plainly: 2 for the word alone (`train.csv`), 1 for a name that begins or ends
 * with it (`train_5core.tsv`, `ml-100k.train.inter`, `u1.base`); undefined for a name that says none.
 */
export function splitOf(path: string): { split: Split; plain: boolean; rest: string } | undefined {
  const stem = stemOf(path);
  const parts = stem.split(/[._ -]+/);
  for (const at of [0, parts.length - 1]) {
    const split = Object.hasOwn(SPLITS, parts[at]) ? SPLITS[parts[at]] : undefined;
    if (split === undefined) continue;
    return { split, plain: parts.length === 1, rest: parts.filter((_, i) => i !== at).join('_') };
  }
  return undefined;
}
