// The kinds of models. A new one is a folder next to these and a line here.
import { ArgumentError } from '../common/errors.ts';
import { ease } from './ease/kind.ts';
import type { ModelKind } from './kind.ts';
import { m3rec } from './m3rec/kind.ts';
import type { GivenOptions, OptionTable } from './options.ts';
import { popularity } from './popularity/kind.ts';
import { transfer } from './transfer/kind.ts';

/** The first is the default. */
export const KINDS = [m3rec, transfer, ease, popularity] as const;

/** The name of a kind of model, as `model` and `--model` take it. */
export type KindName = (typeof KINDS)[number]['name'];
type KindOf<Name extends KindName> = Extract<(typeof KINDS)[number], { name: Name }>;

/** What all members of a union have. */
type Together<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
type GivenTo<Kind> = Kind extends { options: infer Table extends OptionTable } ? GivenOptions<Table> : never;

/** The options of all kinds. */
export type AnyOptions = Together<GivenTo<(typeof KINDS)[number]>>;
/** Every option of a kind with its value. */
export type OptionsOf<Name extends KindName> = ReturnType<KindOf<Name>['resolve']>;

/** @throws ArgumentError unless a kind has this name. */
export function kindNamed(argument: string, name: unknown, kinds: readonly ModelKind[] = KINDS): ModelKind {
  const kind = kinds.find((each) => each.name === name);
  if (!kind) throw new ArgumentError(argument, name, kinds.map((each) => each.name).join(', '));
  return kind;
}
