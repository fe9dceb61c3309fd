// Options as a table: their ranges, defaults, flags and sentences, written once. Types, checks, the command line's
// flags and the guide's page of options come from it.
import { ArgumentError, checkChoice, checkInteger, checkNumber } from '../common/errors.ts';

interface OptionBase {
  /** As on the command line: `--dim <n>`. */
  readonly flag: string;
  /** One plain sentence, without its full stop. */
  readonly text: string;
}

/** A number in a range. */
export interface NumberOption extends OptionBase {
  readonly type: 'number';
  readonly min: number;
  readonly max: number;
  readonly integer?: boolean;
  readonly multipleOf?: number;
  /** One for all presets, or one for each. */
  readonly default: number | Readonly<Record<string, number>>;
}

/** One of some names. */
export interface ChoiceOption extends OptionBase {
  readonly type: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
  /** Whether the default stays out of resolved options, and so of model files. */
  readonly unrecorded?: boolean;
}

/** One option: its range or choices, default, flag and sentence. */
export type OptionSpec = NumberOption | ChoiceOption;
/** The options of a kind of model, by name. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

type ValueOf<Spec> = Spec extends { choices: readonly (infer Choice)[] } ? Choice : number;
type UnrecordedOf<Spec> = Spec extends { unrecorded: true; default: infer Default } ? Default : never;
type Unrecorded<Table> = {
  [name in keyof Table]: Table[name] extends { unrecorded: true } ? name : never;
}[keyof Table];

/** The values that a table's options may be given. */
export type GivenOptions<Table extends OptionTable> = { -readonly [name in keyof Table]?: ValueOf<Table[name]> };

/** Every option with its value; of those that are unrecorded, only what is not the default. */
export type ResolvedValues<Table extends OptionTable> = {
  -readonly [name in Exclude<keyof Table, Unrecorded<Table>>]: ValueOf<Table[name]>;
} & { -readonly [name in Unrecorded<Table>]?: Exclude<ValueOf<Table[name]>, UnrecordedOf<Table[name]>> };

/**
 * The options of a table with every default filled in.
 * @param given undefined values count as not given.
 * @throws ArgumentError naming the option, what was found and what it may be.
 */
export function resolveTable<Table extends OptionTable>(
  table: Table,
  given: Readonly<Record<string, unknown>>,
): ResolvedValues<Table> {
  const names = Object.keys(table);
  const unknown = Object.keys(given).find((name) => given[name] !== undefined && !Object.hasOwn(table, name));
  if (unknown !== undefined) throw new ArgumentError('options', unknown, `one of ${['model', ...names].join(', ')}`);
  const preset = presetOf(table, given);
  const resolved: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    const value = given[name] === undefined ? defaultOf(spec, preset) : checkOption(name, spec, given[name]);
    if (spec.type === 'choice' && spec.unrecorded && value === spec.default) continue;
    resolved[name] = value;
  }
  return resolved as ResolvedValues<Table>;
}

/** The preset that is given, or the default one; undefined if the table has none. @throws ArgumentError for another. */
function presetOf({ preset }: OptionTable, given: Readonly<Record<string, unknown>>): string | undefined {
  if (preset?.type !== 'choice') return undefined;
  return given.preset === undefined ? preset.default : (checkOption('preset', preset, given.preset) as string);
}

/** The value of an option that is not given. @param preset if defaults differ by preset. */
export function defaultOf(spec: OptionSpec, preset?: string): number | string {
  return typeof spec.default === 'object' ? spec.default[preset!] : spec.default;
}

/** Throws an ArgumentError unless this is a value of the option. */
function checkOption(name: string, spec: OptionSpec, value: unknown): number | string {
  if (spec.type === 'choice') return checkChoice(name, value, spec.choices);
  const { min, max, integer, multipleOf } = spec;
  const number = (integer ? checkInteger : checkNumber)(name, value, min, max);
  if (multipleOf && number % multipleOf !== 0)
    throw new ArgumentError(name, number, `a multiple of ${multipleOf} from ${min} to ${max}`);
  return number;
}

/** What was recorded of the options, without the name of the kind. */
export function givenIn(recorded: unknown): Record<string, unknown> {
  const { model: _, ...given } = (recorded ?? {}) as Record<string, unknown>;
  return given;
}

/** The same option of another kind, which has another default there. */
export const withDefault = <Spec extends OptionSpec, const Value extends number | string>(
  spec: Spec,
  value: Value,
): Omit<Spec, 'default'> & { default: Value } => ({ ...spec, default: value });
