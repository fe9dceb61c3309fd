// Successive halving (Jamieson and Talwalkar, AISTATS 2016): all options with little training, the best third of each
// model with three times as much, and so on, until few are trained in full; within a budget of time.
import { checkInteger, checkNumber } from '../common/errors.ts';
import {
  keyOf,
  type PreparedExperiment,
  type PreparedTrial,
  type RunOptions,
  runTrials,
  secondsOf,
  type TrialLine,
} from './run.ts';
import { selected } from './summary.ts';

/** One round: the share of the whole training, who was tried, and what there was no time for. */
export interface Rung {
  share: number;
  lines: TrialLine[];
  /** By name of the model: trials that were left out since the time was over. */
  dropped: Record<string, number>;
}

/** What tuning found. */
export interface Tuned {
  rungs: Rung[];
  /** Trials in full: the last rung's. */
  lines: TrialLine[];
  seconds: number;
}

export interface TuneOptions extends RunOptions {
  /** Seconds in all. */
  budget: number;
  /** One of so many goes on to the next rung. Default: 3. */
  keep?: number;
  /** Default: 3. */
  rungs?: number;
  /** Called before each rung. */
  onRung?: (share: number, trials: number) => void;
}

/**
 * Tunes each model of an experiment with its first seed. A rung trains with a share of the epochs, or, for kinds without
 * epochs, with a share of each market's users. Each rung but the last may use half of the time that is left; when it is
 * over, what was not tried is left out and counted. The last one trains in full, and each model that has come so far has
 * one trial at least, whatever the time. So results depend on how fast the machine is; the trials themselves do not.
 *
 * @throws ArgumentError for numbers out of range; what `runTrials` throws.
 */
export async function tuneTrials(
  { experiment, trials, tune }: PreparedExperiment,
  { budget, keep = 3, rungs: count = 3, onRung, ...options }: TuneOptions,
): Promise<Tuned> {
  checkNumber('budget', budget, 0, 1e9);
  checkInteger('keep', keep, 2, 100);
  checkInteger('rungs', count, 1, 10);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  let left = firstSeeds(trials);
  const rungs: Rung[] = [];
  for (let rung = 0; rung < count; rung++) {
    const last = rung === count - 1;
    const share = 1 / keep ** (count - 1 - rung);
    // one that is alone need not be compared: it waits for the last rung
    const alone = (trial: PreparedTrial) => left.filter(({ name }) => name === trial.name).length === 1;
    const now = last ? left : left.filter((trial) => !alone(trial));
    const waiting = last ? [] : left.filter(alone);
    if (now.length === 0) continue;
    const until = last ? budget : elapsed() + (budget - elapsed()) / 2;
    const scaled = await Promise.all(inTurns(now).map((trial) => scaledTrial(trial, share)));
    onRung?.(share, scaled.length);
    const found = await runWithin(scaled, { ...options, until, elapsed, atLeastOne: last });
    rungs.push({ share, ...found });
    if (last) return { rungs, lines: found.lines, seconds: elapsed() };
    const worth = (trial: PreparedTrial) => {
      const key = scaled[inTurns(now).indexOf(trial)].key;
      const line = found.lines.find((each) => each.key === key);
      return line && line.error === undefined ? selected(experiment, line, tune) : Number.NEGATIVE_INFINITY;
    };
    left = [...waiting, ...bestOf(now, worth, keep)];
  }
  return { rungs, lines: [], seconds: elapsed() };
}

/** Of each model its options with the first seed. */
function firstSeeds(trials: readonly PreparedTrial[]): PreparedTrial[] {
  const first = new Map<string, number | undefined>();
  for (const { name, seed } of trials) if (!first.has(name)) first.set(name, seed);
  return trials.filter(({ name, seed }) => first.get(name) === seed);
}

/** A trial of each model in turn, so that one with a large grid does not take the time of all. */
function inTurns(trials: readonly PreparedTrial[]): PreparedTrial[] {
  const places = new Map<string, number>();
  const ranked = trials.map((trial) => {
    const place = places.get(trial.name) ?? 0;
    places.set(trial.name, place + 1);
    return { trial, place };
  });
  return ranked.sort((a, b) => a.place - b.place).map(({ trial }) => trial);
}

/** Of each model the best share; at least one, unless none has a result. */
function bestOf(trials: readonly PreparedTrial[], worth: (trial: PreparedTrial) => number, keep: number) {
  const names = [...new Set(trials.map(({ name }) => name))];
  return names.flatMap((name) => {
    const mine = trials.filter((trial) => trial.name === name);
    const ranked = mine.filter((trial) => worth(trial) > Number.NEGATIVE_INFINITY).sort((a, b) => worth(b) - worth(a));
    // without a single result the first options stand for the model
    return ranked.length > 0 ? ranked.slice(0, Math.ceil(mine.length / keep)) : mine.slice(0, 1);
  });
}

/** The same trial with a share of its training. */
async function scaledTrial(trial: PreparedTrial, share: number): Promise<PreparedTrial> {
  if (share === 1) return trial;
  const { epochs } = trial.options;
  if (typeof epochs === 'number' && epochs > 1) {
    const options = { ...trial.options, epochs: Math.max(1, Math.ceil(share * epochs)) };
    const input = { ...trial.input, options };
    return { ...trial, options, input, key: await keyOf(input) };
  }
  const input = { ...trial.input, share };
  return { ...trial, input, key: await keyOf(input) };
}

type Within = RunOptions & { until: number; elapsed: () => number; atLeastOne: boolean };

/** Runs trials while there is time, as many at once as the executor does. */
async function runWithin(
  trials: readonly PreparedTrial[],
  { until, elapsed, atLeastOne, ...options }: Within,
): Promise<{ lines: TrialLine[]; dropped: Record<string, number> }> {
  const lines: TrialLine[] = [];
  const dropped: Record<string, number> = {};
  const { parallel } = options.executor;
  const tried = new Set<string>();
  for (let from = 0; from < trials.length; from += parallel) {
    const batch: PreparedTrial[] = [];
    const times = await options.store.lines();
    const made = new Set(times.map(({ key }) => key));
    for (const trial of trials.slice(from, from + parallel)) {
      const expected = made.has(trial.key) ? 0 : (secondsOf([trial], times)?.seconds ?? 0);
      const needed = atLeastOne && !tried.has(trial.name);
      if (needed || elapsed() + expected <= until) {
        batch.push(trial);
        tried.add(trial.name);
      } else dropped[trial.name] = (dropped[trial.name] ?? 0) + 1;
    }
    if (batch.length > 0) lines.push(...(await runTrials(batch, options)));
  }
  return { lines, dropped };
}
