// An experiment: which models, over which grids and seeds, on which data, judged how. Read from a file or handed over
// by a program, checked, and laid out as trials.
import {
  ArgumentError,
  checkArray,
  checkChoice,
  checkInteger,
  checkNumber,
  checkObject,
  checkTexts,
} from '../common/errors.ts';
import { METRICS } from '../evaluate/metrics.ts';
import { KINDS, kindNamed } from '../models/registry.ts';

/** One model of an experiment, with what is tried of it. */
export interface ModelEntry {
  /** The kind of model. */
  model: string;
  /** In tables; the kind if it is not given. Each name once. */
  name?: string;
  /** Options that all its trials have. */
  options?: Record<string, OptionValue>;
  /** Values to try of options, in all combinations; or several such grids. */
  grid?: Grid | Grid[];
  /** Those of the experiment if they are not given. A kind without a seed has one trial. */
  seeds?: number[];
  /** Whether the rows that choose options choose the best epoch too, and when to stop; kinds of epochs only. */
  selectEpoch?: boolean;
  /** About how many seconds a trial takes, for `--dry-run` before there are recorded times. */
  cost?: number;
}

export type OptionValue = number | string;
export type Grid = Record<string, OptionValue[]>;

/** How held-out items are ranked. */
export interface ProtocolEntry {
  /** In tables and `select`. */
  name: string;
  protocol: 'clean' | 'as-published' | 'lists';
  /** Default: 999. */
  negatives?: number | 'all';
  /** Of the negatives. Default: 1. */
  seed?: number;
  /** As `evaluate`'s. */
  repeat?: boolean;
  /** Of `lists`: run files by market, each with a line `user<TAB>item,item,…` for each user. */
  lists?: Record<string, string>;
}

/** What trials are compared by. */
export interface Selection {
  /** Default: `mrr`. */
  metric?: string;
  /** Default: the first cut-off. */
  k?: number;
  /** Default: the first protocol. */
  protocol?: string;
}

/** An experiment, as its file has it. */
export interface Experiment {
  title?: string;
  /** What a reader should know, in plain sentences; at the head of the report. */
  about?: string;
  /** Files or folders, from the place of the experiment's file; or rows to generate. The command line may name others. */
  data?: string | string[] | { generated: Record<string, unknown> };
  /** Reading: `minRating`, `minUser`, …, as `readDirectory` takes them. */
  rows?: Record<string, unknown>;
  /** Data that comes unsplit: what `splitMarkets` takes. */
  split?: Record<string, unknown>;
  /** These markets only. */
  markets?: string[];
  /** Which held-out rows. Default: `valid`. */
  heldOut?: string;
  /**
   * Whether one half of the users, by a hash of their id, chooses options and the other half is reported; without it all
   * rows do both, which flatters models with large grids. Default: true.
   */
  halves?: boolean;
  models: ModelEntry[];
  /** Default: 1. */
  seeds?: number[];
  /** By name (`clean`, `as-published`, `full`) or in full. Default: `clean`. */
  protocols?: (string | ProtocolEntry)[];
  /** What the tables have. Default: `mrr`, `ndcg`, `hr`; also `recall`, `map`. */
  metrics?: string[];
  /** Cut-offs of the metrics. Default: 10. */
  k?: number[];
  select?: Selection;
  /** Whether to report by group: shared and own items, head, tail and cold ones, histories. Default: true. */
  groups?: boolean;
  /** Lists of recommendations of at most so many users a market, for coverage, popularity and Gini. Default: 500. */
  lists?: number;
  /** The model, by name, that the others are tested against. Default: the best. */
  baseline?: string;
}

/** An experiment with every default filled in. */
export type CheckedExperiment = Omit<Required<Experiment>, 'data' | 'protocols' | 'models' | 'baseline' | 'select'> &
  Pick<Experiment, 'data' | 'baseline'> & {
    protocols: (ProtocolEntry & { negatives: number | 'all'; seed: number; repeat: boolean })[];
    models: (ModelEntry & { name: string; options: Record<string, OptionValue>; grids: Grid[]; seeds: number[] })[];
    select: Required<Selection>;
  };

const METRIC_NAMES = METRICS.map(({ name }) => name);
const NAMES = [
  '$schema',
  ...[
    'title',
    'about',
    'data',
    'rows',
    'split',
    'markets',
    'heldOut',
    'halves',
    'models',
    'seeds',
    'protocols',
    'metrics',
  ],
  ...['k', 'select', 'groups', 'lists', 'baseline'],
];
/** What `rows`, `split` and `generated` may say; the values are checked by those who use them. */
export const ROW_NAMES = [
  ...['market', 'minRating', 'catalogue', 'where', 'event', 'since', 'until', 'query', 'validQuery', 'testQuery'],
  ...['columns', 'header', 'delimiter', 'quote', 'encoding', 'dates', 'skipBadRows', 'maxBadRows', 'maxExpansion'],
];
export const SPLIT_NAMES = ['method', 'before', 'ratio', 'test', 'minUser', 'minItem', 'seed', 'keepCold', 'merge'];
export const GENERATED_NAMES = ['seed', 'markets', 'users', 'items', 'interactions'];
const MODEL_NAMES = ['model', 'name', 'options', 'grid', 'seeds', 'selectEpoch', 'cost'];
const PROTOCOL_NAMES = ['name', 'protocol', 'negatives', 'seed', 'repeat', 'lists'];
/** Most trials of one experiment: more are a mistake in a grid. */
export const MOST_TRIALS = 10_000;

/**
 * The experiment with every default filled in.
 * @throws ArgumentError that names the place, what was found and what it may be.
 * @example
 * checkExperiment({ models: [{ model: 'ease', grid: { lambdaF: [10, 25] } }] }).protocols[0].name; // → 'clean'
 */
export function checkExperiment(value: unknown): CheckedExperiment {
  const given = checkObject('experiment', value) as Partial<Experiment>;
  checkNames('experiment', given, NAMES);
  const k = numbers('k', given.k ?? [10], 1, 0x7fffffff);
  const seeds = numbers('seeds', given.seeds ?? [1], 0, 0xffffffff);
  const protocols = filled('protocols', given.protocols ?? ['clean']).map(protocolOf);
  unique('protocols', protocols);
  const models = filled('models', given.models).map((each, i) => modelOf(`models[${i}]`, each, seeds));
  unique('models', models);
  const select = checkObject('select', given.select ?? {}) as Selection;
  checkNames('select', select, ['metric', 'k', 'protocol']);
  const names = models.map(({ name }) => name);
  return {
    title: text('title', given.title ?? 'Experiment'),
    about: text('about', given.about ?? ''),
    data: given.data === undefined ? undefined : dataOf(given.data),
    rows: named('rows', given.rows, ROW_NAMES),
    split: named('split', given.split, SPLIT_NAMES),
    markets: [...checkTexts('markets', given.markets ?? [], 'an array of names')],
    heldOut: text('heldOut', given.heldOut ?? 'valid'),
    halves: flag('halves', given.halves ?? true),
    models,
    seeds,
    protocols,
    metrics: filled('metrics', given.metrics ?? ['mrr', 'ndcg', 'hr']).map((each, i) =>
      checkChoice(`metrics[${i}]`, each, METRIC_NAMES),
    ),
    k,
    select: {
      metric: checkChoice('select.metric', select.metric ?? 'mrr', METRIC_NAMES),
      k: k.includes(select.k ?? k[0]) ? (select.k ?? k[0]) : wrong('select.k', select.k, k.join(', ')),
      protocol: checkChoice(
        'select.protocol',
        select.protocol ?? protocols[0].name,
        protocols.map(({ name }) => name),
      ),
    },
    groups: flag('groups', given.groups ?? true),
    lists: checkInteger('lists', given.lists ?? 500, 0, 0x7fffffff),
    baseline: given.baseline === undefined ? undefined : checkChoice('baseline', given.baseline, names),
  };
}

function modelOf(where: string, value: unknown, seeds: number[]): CheckedExperiment['models'][number] {
  const entry = checkObject(where, value, 'a model with its options') as Partial<ModelEntry>;
  checkNames(where, entry, MODEL_NAMES);
  const kind = kindNamed(`${where}.model`, entry.model, KINDS);
  const grids = (Array.isArray(entry.grid) ? entry.grid : [entry.grid ?? {}]).map((grid, i) => {
    const place = Array.isArray(entry.grid) ? `${where}.grid[${i}]` : `${where}.grid`;
    for (const [name, values] of Object.entries(checkObject(place, grid))) filled(`${place}.${name}`, values);
    return grid as Grid;
  });
  if (grids.length === 0) throw new ArgumentError(`${where}.grid`, entry.grid, 'at least one grid');
  const options = checkObject(`${where}.options`, entry.options ?? {}) as Record<string, OptionValue>;
  const selectEpoch = flag(`${where}.selectEpoch`, entry.selectEpoch ?? false);
  if (selectEpoch && !kind.selects)
    throw new ArgumentError(`${where}.selectEpoch`, true, `false: a ${kind.name} model has no epochs to choose from`);
  return {
    model: kind.name,
    name: text(`${where}.name`, entry.name ?? kind.name),
    options,
    grids,
    seeds: entry.seeds === undefined ? seeds : numbers(`${where}.seeds`, entry.seeds, 0, 0xffffffff),
    selectEpoch,
    ...(entry.cost !== undefined && { cost: checkNumber(`${where}.cost`, entry.cost, 0, 1e9) }),
  };
}

/** Protocols that a name alone stands for. */
const NAMED: Record<string, Omit<ProtocolEntry, 'name'>> = {
  clean: { protocol: 'clean' },
  'as-published': { protocol: 'as-published' },
  full: { protocol: 'clean', negatives: 'all' },
};

function protocolOf(value: unknown, i: number): CheckedExperiment['protocols'][number] {
  const where = `protocols[${i}]`;
  const entry = (
    typeof value === 'string'
      ? { name: value, ...NAMED[checkChoice(where, value, Object.keys(NAMED))] }
      : checkObject(where, value, 'the name of a protocol, or a protocol')
  ) as Partial<ProtocolEntry>;
  checkNames(where, entry, PROTOCOL_NAMES);
  const protocol = checkChoice(`${where}.protocol`, entry.protocol, ['clean', 'as-published', 'lists'] as const);
  if ((protocol === 'lists') !== (entry.lists !== undefined))
    throw ArgumentError.because(`${where}.lists`, 'run files by market go with protocol: lists, and only with it');
  for (const [market, path] of Object.entries(checkObject(`${where}.lists`, entry.lists ?? {})))
    text(`${where}.lists.${market}`, path);
  const { negatives = 999 } = entry;
  return {
    name: text(`${where}.name`, entry.name),
    protocol,
    negatives: negatives === 'all' ? 'all' : checkInteger(`${where}.negatives`, negatives, 1, 0x7fffffff),
    seed: checkInteger(`${where}.seed`, entry.seed ?? 1, 0, 0xffffffff),
    repeat: flag(`${where}.repeat`, entry.repeat ?? false),
    ...(entry.lists && { lists: entry.lists }),
  };
}

function dataOf(data: unknown): Experiment['data'] {
  if (typeof data === 'string') return text('data', data);
  if (Array.isArray(data)) return [...checkTexts('data', filled('data', data), 'an array of paths')];
  const { generated, ...others } = checkObject('data', data, 'a path, several, or rows to generate');
  checkNames('data', others, ['generated']);
  return { generated: named('data.generated', generated, GENERATED_NAMES) };
}

function named(where: string, value: unknown = {}, names: readonly string[]): Record<string, unknown> {
  const object = checkObject(where, value);
  checkNames(where, object, names);
  return object;
}

function checkNames(where: string, value: object, names: readonly string[]): void {
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new ArgumentError(where, unknown, `one of ${names.join(', ')}`);
}

function unique(where: string, entries: readonly { name: string }[]): void {
  for (const [i, { name }] of entries.entries())
    if (entries.findIndex((each) => each.name === name) < i)
      throw ArgumentError.because(`${where}[${i}].name`, `${JSON.stringify(name)} is there twice; give another name`);
}

function filled(where: string, value: unknown): unknown[] {
  const array = checkArray(where, value);
  if (array.length === 0) throw new ArgumentError(where, array, 'at least one');
  return [...array];
}

const numbers = (where: string, value: unknown, min: number, max: number) =>
  filled(where, value).map((each, i) => checkInteger(`${where}[${i}]`, each, min, max));

function text(where: string, value: unknown): string {
  if (typeof value !== 'string' || (value === '' && where !== 'about')) throw new ArgumentError(where, value, 'text');
  return value;
}

function flag(where: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new ArgumentError(where, value, 'true or false');
  return value;
}

function wrong(where: string, value: unknown, expected: string): never {
  throw new ArgumentError(where, value, expected);
}
