// The kinds of models. A new one is a folder next to these and a line here.
import { ArgumentError } from '../common/errors.ts';
import { bitgcf } from './bitgcf/kind.ts';
import { bpr } from './bpr/kind.ts';
import { crossstitch } from './crossstitch/kind.ts';
import { ease } from './ease/kind.ts';
import { edlae } from './edlae/kind.ts';
import { forec } from './forec/kind.ts';
import { gmf } from './gmf/kind.ts';
import { ials } from './ials/kind.ts';
import { item2vec } from './item2vec/kind.ts';
import { itemknn } from './itemknn/kind.ts';
import type { ModelKind } from './kind.ts';
import { lightgcn } from './lightgcn/kind.ts';
import { m3rec } from './m3rec/kind.ts';
import { marketneumf } from './marketneumf/kind.ts';
import { mlp } from './mlp/kind.ts';
import { mmoe } from './mmoe/kind.ts';
import { multvae } from './multvae/kind.ts';
import { neumf } from './neumf/kind.ts';
import type { GivenOptions, OptionTable } from './options.ts';
import { p3alpha } from './p3alpha/kind.ts';
import { popularity } from './popularity/kind.ts';
import { randomwalk } from './randomwalk/kind.ts';
import { rp3beta } from './rp3beta/kind.ts';
import { slim } from './slim/kind.ts';
import { star } from './star/kind.ts';
import { transfer } from './transfer/kind.ts';

/** The first is the default. */
export const KINDS = [
  transfer,
  m3rec,
  ease,
  popularity,
  itemknn,
  p3alpha,
  rp3beta,
  randomwalk,
  item2vec,
  slim,
  edlae,
  ials,
  bpr,
  lightgcn,
  bitgcf,
  gmf,
  mlp,
  neumf,
  marketneumf,
  multvae,
  crossstitch,
  mmoe,
  star,
  forec,
] as const;

/** The name of a kind of model, as `model` and `--model` take it. */
export type KindName = (typeof KINDS)[number]['name'];
type KindOf<Name extends KindName> = Extract<(typeof KINDS)[number], { name: Name }>;

type GivenTo<Kind> = Kind extends { options: infer Table extends OptionTable } ? GivenOptions<Table> : never;

type KeyIn<Union> = Union extends unknown ? keyof Union : never;
type ValueIn<Union, Key extends PropertyKey> = Union extends { [key in Key]?: infer Value } ? Value : never;
type Given = GivenTo<(typeof KINDS)[number]>;

/** The options of all kinds, each with the values that a kind takes. */
export type AnyOptions = { [Key in KeyIn<Given>]?: ValueIn<Given, Key> };
/** Every option of a kind with its value. */
export type OptionsOf<Name extends KindName> = ReturnType<KindOf<Name>['resolve']>;

/** @throws ArgumentError unless a kind has this name. */
export function kindNamed(argument: string, name: unknown, kinds: readonly ModelKind[] = KINDS): ModelKind {
  const kind = kinds.find((each) => each.name === name);
  if (!kind) throw new ArgumentError(argument, name, kinds.map((each) => each.name).join(', '));
  return kind;
}

/**
 * The kind that is meant where none is named: the first with this preset that takes all of these options, else the first with it.
 * @throws ArgumentError unless a kind has this preset.
 */
export function kindTaking(given: Readonly<Record<string, unknown>>, kinds: readonly ModelKind[] = KINDS): ModelKind {
  const { preset } = given;
  const presetsOf = ({ options }: ModelKind) => (options.preset?.type === 'choice' ? options.preset.choices : []);
  const having = preset === undefined ? kinds : kinds.filter((kind) => presetsOf(kind).includes(preset as string));
  if (having.length === 0) throw new ArgumentError('preset', preset, kinds.flatMap(presetsOf).join(', '));
  const names = Object.keys(given).filter((name) => given[name] !== undefined);
  return having.find(({ options }) => names.every((name) => Object.hasOwn(options, name))) ?? having[0];
}
