// Options that several commands have, and the values that options take.
import { InvalidArgumentError, Option } from 'commander';
import type { ModelKind } from '../models/kind.ts';
import { defaultOf, type NumberOption, type OptionSpec } from '../models/options.ts';
import { MAX_THREADS } from '../threads/pool.ts';
import { splitList } from './id-lists.ts';

type Range = Pick<NumberOption, 'min' | 'max' | 'integer' | 'multipleOf'>;

export function number({ min, max, integer, multipleOf = 1 }: Range): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= min && value <= max) || (integer && value % multipleOf !== 0)) {
      const kind = multipleOf > 1 ? `a multiple of ${multipleOf}` : integer ? 'an integer' : 'a number';
      throw new InvalidArgumentError(`Expected ${kind} from ${min} to ${max}.`);
    }
    return value;
  };
}

export const whole = (min: number, max: number) => number({ min, max, integer: true });

/** One or more integers separated by commas. */
export const wholes = (min: number, max: number) => (text: string) => text.split(',').map(whole(min, max));

/** Ids separated by commas; an empty text has none. */
export function ids(text: string): string[] {
  if (text === '') return [];
  const list = text.split(',').map((id) => id.trim());
  if (list.includes('')) throw new InvalidArgumentError('Expected ids separated by commas.');
  return list;
}

/** A list of ids, resolved once the ids of the model are known. The option may be given again. */
export function idLists(text: string, before: string[] = []): string[] {
  if (text !== '' && splitList(text) === undefined)
    throw new InvalidArgumentError('Expected ids separated by commas; quote an id that holds one: \'"a, b",c\'.');
  return [...before, text];
}

/** A text that may be given again. */
export const texts = (text: string, before: string[] = []) => [...before, nonEmpty(text)];

export function nonEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('Expected some text.');
  return text;
}

export const jsonOption = () => new Option('--json', 'print JSON instead of a table');
export const marketOption = () => new Option('--market <name>', 'the market').argParser(nonEmpty).makeOptionMandatory();
export const countOption = () => new Option('-k <n>', 'the number of items').argParser(whole(1, 1_000_000)).default(10);
export const minRatingOption = () =>
  new Option('--min-rating <r>', 'leave out rows with a lower rating').argParser(number({ min: -1e9, max: 1e9 }));
export const outputOption = (what: string) => new Option('-o, --output <file>', what).argParser(nonEmpty);
export const threadsOption = () =>
  new Option(
    '--threads <n>',
    'threads to run on; the result does not depend on it (default: one for each core)',
  ).argParser(whole(1, MAX_THREADS));
export const storeOption = () =>
  new Option(
    '--store <folder>',
    'where jobs read and leave their bytes: a folder that all machines reach, s3://bucket/folder, or http:// of `cluster serve` (default: a folder next to the plan, with .store for .json)',
  ).argParser(nonEmpty);
export const queueOption = (flag: '--queue' | '--cluster') =>
  new Option(
    `${flag} <url>`,
    `${flag === '--cluster' ? 'have workers do it, by the queue on' : 'the queue:'} redis://host:port, rediss:// with TLS, or postgres://host/name`,
  ).argParser(nonEmpty);
export const storeFolderOption = () =>
  new Option(
    '--store <place>',
    'where jobs read and leave their bytes: a folder that all machines reach, s3://bucket/folder, or http:// of `cluster serve`',
  ).argParser(nonEmpty);
export const insecureOption = () =>
  new Option(
    '--insecure',
    'speak to a queue or a store on another machine without TLS, in a network that nobody else is in',
  );

/** Of who reads much from a store elsewhere. */
export const cacheOptions = (): Option[] => [
  new Option(
    '--cache <folder>',
    'keep bytes of the store in a folder of this machine (default: ~/.cache/m3rec, if the store is elsewhere)',
  ).argParser(nonEmpty),
  new Option('--cache-gib <n>', 'most GiB in it').argParser(number({ min: 0.001, max: 1e6 })).default(8),
];

/** The options of a command whose trials workers can do. */
export const trialsElsewhereOptions = (): Option[] => [queueOption('--cluster'), storeFolderOption(), insecureOption()];

/** The options of a command that workers can do. */
export const clusterOptions = (): Option[] => [
  ...trialsElsewhereOptions(),
  new Option(
    '--verify <share>',
    'with --cluster: have this share of the jobs done again elsewhere, and compare',
  ).argParser(number({ min: 0, max: 1 })),
];
export const marketsOption = () => new Option('--markets <a,b>', 'use these markets only').argParser(ids);
export const relaxedOption = () =>
  new Option('--relaxed', 'use relaxed SIMD: faster, but the bytes of the file depend on the processor');
export const heldOutOption = () =>
  new Option('--held-out <name>', 'which held-out rows').choices(['valid', 'test']).default('valid');

/** Adds the options of the kinds, each once, under a heading that names the kinds that take it. Presets differ by kind. */
export function kindOptions(kinds: readonly ModelKind[]): Option[] {
  const found = new Map<string, { specs: Set<OptionSpec>; takers: ModelKind[] }>();
  for (const kind of kinds) {
    for (const [name, spec] of Object.entries(kind.options)) {
      const { specs, takers } = found.get(name) ?? { specs: new Set(), takers: [] };
      found.set(name, { specs: specs.add(spec), takers: [...takers, kind] });
    }
  }
  return [...found.values()].map(({ specs, takers }) => {
    const [spec] = specs;
    const text = [...new Set(Array.from(specs, (each) => each.text))].join('; ');
    const option = new Option(spec.flag, `${text} (${describeDefaults(spec, takers)})`);
    const names = takers.map(({ name }) => name).join(', ');
    option.helpGroup(takers.length === kinds.length ? 'Options of every model:' : `Options of model ${names}:`);
    const choices = Array.from(specs, (each) => (each.type === 'choice' ? each.choices : [])).flat();
    return spec.type === 'choice' ? option.choices(choices) : option.argParser(number(spec));
  });
}

/** The default of each kind where they differ, else the one of all. */
function describeDefaults(spec: OptionSpec, takers: readonly ModelKind[]): string {
  const name = attributeOf(spec);
  const each = takers.map((kind) => [kind.name, describeDefault(kind.options[name], kind)]);
  const different = new Set(each.map(([, text]) => text)).size > 1;
  return different && name !== 'preset' ? each.map(([kind, text]) => `${kind}, ${text}`).join('; ') : each[0][1];
}

/** The option that a flag is of. */
const attributeOf = ({ flag }: OptionSpec) => new Option(flag).attributeName();

/** The default, and the value in each preset that differs. */
function describeDefault(spec: OptionSpec, { options: { preset } }: ModelKind): string {
  if (typeof spec.default !== 'object') return `default: ${spec.default}`;
  const usual = preset.default as string;
  const others = Object.keys(spec.default).filter((name) => name !== usual);
  return [
    `default: ${defaultOf(spec, usual)}`,
    ...others.map((name) => `preset ${name}: ${defaultOf(spec, name)}`),
  ].join('; ');
}
