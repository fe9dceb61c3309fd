// What the page and its worker say to each other. Everything here crosses the border as plain values.
import type { Progress } from '../../common/job.ts';

/** Bins of history lengths: 1 2 3 4 5 6–10 11–20 21–50 > 50 purchases. */
export const LENGTH_BINS = [1, 2, 3, 4, 5, 10, 20, 50, Number.POSITIVE_INFINITY];

export interface MarketFacts {
  name: string;
  users: number;
  items: number;
  purchases: number;
  /** Share of its items that another market sells too. */
  sharedShare: number;
  /** Share of the purchases that the best-selling tenth of the items has. */
  topTenth: number;
  /** Share of the items that were bought at most twice. */
  rare: number;
  /** Customers by bin of LENGTH_BINS. */
  lengths: number[];
}

export interface Warning {
  file: string;
  message: string;
  count: number;
}

export interface DataFacts {
  name: string;
  isSample: boolean;
  items: number;
  purchases: number;
  markets: MarketFacts[];
  /** (markets × markets) of the row's items, the share that the column sells too. */
  shared: number[][];
  /**
   * (markets × markets) of the pairs of items that the row's customers bought together, the share that the column's did
   * too; absent where there are too many to count.
   */
  sharedPairs?: number[][];
  /** Held-out rows that came with the files. */
  heldOut: number;
  warnings: Warning[];
  hasTitles: boolean;
  /** Items with the address of a picture. */
  pictures: number;
}

/** What the page opens with, written by the build. */
export interface Opening {
  /** Its scarcest market, and how many purchases that has. */
  market: string;
  purchases: number;
  basket: string[];
  /** What the two models answer for the basket, and the names of all items in it. */
  answers: { alone: Answer; others: Answer };
  titles: Title[];
  /** HR@10 in that market alone and with the others, and the error of the paired difference. */
  gain: { before: number; after: number; error: number };
}

export interface Title {
  id: string;
  title: string;
  category: string;
  /** Address of a picture, where the items' file has one. */
  image?: string;
}

export interface ModelFacts {
  /** Its name in the store, where it has one. */
  name?: string;
  kind: string;
  bytes: number;
  foldsIn: boolean;
  hasUsers: boolean;
  hasVectors: boolean;
  markets: { name: string; items: number; users: number }[];
  /** Mean HR@10 over markets beside best sellers, in points, and its standard error; absent where nothing was measured. */
  gain?: { points: number; error: number };
}

export interface Reason {
  item: string;
  /** Customers of the market who have both; absent where the data are not at hand. */
  here?: number;
  /** The same in all other markets. */
  elsewhere?: number;
}

export interface AnswerItem {
  item: string;
  score: number;
  reason?: Reason;
}

export interface Answer {
  items: AnswerItem[];
  fallback: boolean;
  unknown: string[];
  /** The history that was answered: the basket, or what the customer has. */
  history: string[];
}

export interface Query {
  market: string;
  items?: string[];
  user?: string;
  k: number;
  /** Only items of this category. */
  category?: string;
  /** Not items whose title has this word. */
  without?: string;
}

/** One market's figures of one model: means over users, and standard errors. */
export interface Measured {
  market: string;
  rows: number;
  mrr: number;
  ndcg: number;
  hr: number;
  errors: { mrr: number; ndcg: number; hr: number };
}

export interface TrainRequest {
  kind: string;
  preset?: string;
  options: Record<string, number | string | boolean>;
  /** Hold one purchase of each customer back, where the data hold none back. */
  holdOut: boolean;
  /** A market that is trained alone too. */
  alone?: string;
}

/** Progress of a training, with the most memory that a finished stage has had. */
export interface TrainProgress extends Progress {
  peakBytes: number;
}

export interface TrainResult {
  model: ModelFacts;
  seconds: number;
  stages: { stage: string; seconds: number; peakBytes: number }[];
  /** By model: `model`, `ease`, `popularity`, and `alone` with one market. Empty where nothing is held out. */
  measured: Record<string, Measured[]>;
  /** HR@10 in the market that was trained alone too, and the error of the paired difference. */
  versusAlone?: Opening['gain'] & { market: string };
  notes: string[];
}

/** What the other markets give one, in MRR@10, on the same held-out rows. */
export interface GainFacts {
  market: string;
  rows: number;
  /** Fewest customers in training first; with the standard error of the paired difference. */
  curve: { users: number; alone: number; together: number; difference: number; error: number }[];
  /** What leaving one of the other markets out changes. */
  without: { source: string; difference: number; error: number }[];
}

export interface OptionFacts {
  name: string;
  sentence: string;
  type: 'number' | 'integer' | 'choice' | 'boolean';
  min?: number;
  max?: number;
  choices?: string[];
  /** By preset. */
  defaults: Record<string, number | string | boolean | undefined>;
}

export interface KindFacts {
  name: string;
  sentence: string;
  presets: string[];
  options: OptionFacts[];
}

/** A file with the folders that it came in, which name its market. */
export interface InputFile {
  path: string;
  file: File;
}

export interface ReadRequest {
  files: InputFile[];
  settings: FileSettings[];
  /** Leave malformed rows out, instead of stopping at the first. */
  skipBad: boolean;
}

/** What the reader recognised in one file, and its first rows. */
export interface Preview {
  name: string;
  bytes: number;
  /** In a line, as the command line says it. */
  how: string;
  header: boolean;
  /** Names to choose among; empty where the file is packed. */
  columns: string[];
  /** The column of each role that was found, by name or by position from 1. */
  roles: Record<string, string>;
  /** User, item, and the market where there is a column of it. */
  rows: string[][];
  problem?: string;
  /** It is no table, and is left out. */
  skipped?: boolean;
  /** It names items: titles and categories. */
  isItems?: boolean;
}

/** How a person corrected what was recognised; absent values stay as recognised. */
export interface FileSettings {
  delimiter?: string;
  header?: boolean;
  /** Columns by role, by name or by position from 1. */
  columns?: Record<string, string>;
  market?: string;
}

export interface Variant {
  id: 'whole' | 'int8' | 'visitors' | 'pruned';
  bytes: number;
  /** NDCG@10 lost, in points. */
  loss?: number;
}

export interface Comparison {
  market: string;
  rows: number;
  /** B − A in points of HR@10, and the standard error of the paired difference. */
  difference: number;
  error: number;
}

export interface StoredFacts {
  name: string;
  bytes: number;
  saved: number;
  facts?: ModelFacts;
}

export interface DeviceFacts {
  store: 'opfs' | 'indexeddb' | 'memory';
  threads: number;
  threadsReason?: string;
}
