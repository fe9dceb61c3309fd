import { checkObject } from '../common/errors.ts';
import type { Model } from '../model/model.ts';
import type { ModelKind } from '../models/kind.ts';
import {
  type AnyOptions,
  type KINDS,
  type KindName,
  kindNamed,
  kindTaking,
  type OptionsOf,
} from '../models/registry.ts';

/** How to train; all optional. Each option, its range and default are in the guide's page of options. */
export type TrainOptions = {
  /** The kind of model: by default `transfer`, or `m3rec` where an option or the preset is its alone. */
  model?: KindName;
} & AnyOptions;

/** Every option with its value, as the model file records them. */
export type ResolvedOptions<Name extends KindName = KindName> = { model: Name } & OptionsOf<Name>;

/**
 * The options of a kind with every default filled in.
 * @throws ArgumentError that names the option, what was found and what it may be.
 * @example
 * resolveOptions({ preset: 'paper' }).epochs; // → 100
 */
export function resolveOptions<Name extends KindName = (typeof KINDS)[0]['name']>(
  options: TrainOptions & { model?: Name } = {},
): ResolvedOptions<Name> {
  return resolveKind(options).resolved as ResolvedOptions<Name>;
}

/** The kind that options name or mean, and its options. */
export function resolveKind(options: TrainOptions): { kind: ModelKind; resolved: { model: string } } {
  const { model, ...given } = checkObject('options', options);
  const kind = model === undefined ? kindTaking(given) : kindNamed('model', model);
  return { kind, resolved: { model: kind.name, ...kind.resolve(given) } };
}

/**
 * The options that a model was trained with, to train again. Also takes what `inspectModel` returns.
 * @throws ArgumentError for a kind that is unknown.
 * @example
 * trainOptionsOf(model).model; // → 'transfer'
 */
export function trainOptionsOf({ kind, training }: Pick<Model, 'kind' | 'training'>): TrainOptions {
  const { options } = kindNamed('model.kind', kind);
  const recorded = Object.entries((training.options ?? {}) as Record<string, unknown>);
  const given = Object.fromEntries(recorded.filter(([name]) => Object.hasOwn(options, name)));
  return { ...given, model: kind } as TrainOptions;
}
