// The trials of an experiment: every combination of its grids and seeds, each once.
import { canonicalJson } from '../common/canonical-json.ts';
import { ArgumentError } from '../common/errors.ts';
import { kindNamed } from '../models/registry.ts';
import { resolveKind, type TrainOptions } from '../train/options.ts';
import { type CheckedExperiment, type Grid, MOST_TRIALS, type OptionValue } from './experiment.ts';

/** One training of an experiment, judged by all of its protocols. */
export interface PlannedTrial {
  /** The model's name in the experiment, and its kind. */
  name: string;
  kind: string;
  /** What was chosen for it: options of the model's entry and of the grid. */
  given: Record<string, OptionValue>;
  /** Every option with its value. */
  options: Record<string, unknown>;
  /** Absent for a kind without randomness. */
  seed?: number;
  selectEpoch: boolean;
}

/**
 * The trials in the order in which they run: model by model, all combinations with the first seed before the next one.
 * @throws ArgumentError for an option that the kind does not have or take, and for too many trials.
 * @example
 * planTrials(checkExperiment({ models: [{ model: 'ease', grid: { lambdaF: [10, 25] } }] })).length; // → 2
 */
export function planTrials({ models }: CheckedExperiment): PlannedTrial[] {
  const trials: PlannedTrial[] = [];
  for (const [m, { model, name, options, grids, seeds, selectEpoch = false }] of models.entries()) {
    const seeded = Object.hasOwn(kindNamed('model', model).options, 'seed');
    const seen = new Set<string>();
    for (const seed of seeded ? seeds : [undefined])
      for (const [g, grid] of grids.entries())
        for (const chosen of combinations(grid, `models[${m}].grid${grids.length > 1 ? `[${g}]` : ''}`)) {
          const given = { ...options, ...chosen };
          const resolved = resolve(`models[${m}]`, { model, ...given, ...(seed !== undefined && { seed }) });
          const key = canonicalJson(resolved);
          if (seen.has(key)) continue;
          seen.add(key);
          trials.push({
            name,
            kind: model,
            given,
            options: resolved,
            ...(seed !== undefined && { seed }),
            selectEpoch,
          });
          if (trials.length > MOST_TRIALS)
            throw ArgumentError.because('experiment', `it has over ${MOST_TRIALS} trials; make its grids smaller`);
        }
  }
  return trials;
}

/** Every combination of the values of a grid, the last option changing fastest. */
export function combinations(grid: Grid, where = 'grid'): Record<string, OptionValue>[] {
  const count = Object.values(grid).reduce((product, values) => product * values.length, 1);
  if (count > MOST_TRIALS) throw ArgumentError.because(where, `it has ${count} combinations; make it smaller`);
  return Object.entries(grid).reduce<Record<string, OptionValue>[]>(
    (all, [name, values]) => all.flatMap((options) => values.map((value) => ({ ...options, [name]: value }))),
    [{}],
  );
}

function resolve(where: string, given: Record<string, unknown>): Record<string, unknown> {
  try {
    const { kind, resolved } = resolveKind(given as TrainOptions);
    // what a kind makes of its options, such as the parts of a preset, is none of them
    const own = Object.entries(resolved).filter(([name]) => Object.hasOwn(kind.options, name));
    return { model: kind.name, ...Object.fromEntries(own) };
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new ArgumentError(`${where}: ${error.argument}`, error.found, error.expected);
  }
}
