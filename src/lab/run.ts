// Runs the trials of an experiment through an executor: those that a store has already are taken from there, and each
// new one is stored as soon as it has ended, so that an interruption costs the trial that was running and no other.
import { canonicalJson } from '../common/canonical-json.ts';
import { ArgumentError, checkCallback } from '../common/errors.ts';
import { Job, type JobOptions } from '../common/job.ts';
import { withHalves } from '../data/halves.ts';
import type { Markets } from '../data/markets.ts';
import { encodeMarkets } from '../data/markets-codec.ts';
import { type BlobStore, type Executor, type WorkReport, workKey } from '../threads/work.ts';
import type { CheckedExperiment } from './experiment.ts';
import { type PlannedTrial, planTrials } from './plan.ts';
import { rowsOfRanks } from './ranks.ts';
import { type TrialInput, type TrialOutput, type TrialProtocol, trialKind } from './trial.ts';

/** A line of the file of trials: what was tried, on what, and what came out. */
export interface TrialLine extends TrialOutput, PlannedTrial {
  /** SHA-256 of the work: equal keys are equal trials. */
  key: string;
  /** SHA-256 of the markets. */
  data: string;
  /** Of the users of each market, the share that it trained with; absent for all. */
  share?: number;
  /** Version of the package that made it. */
  build: string;
  /** When it ended, ISO 8601. */
  date: string;
  /** Of all of it, and of its parts. */
  seconds: number;
  measured: Record<string, number>;
}

/** Where trials are kept. */
export interface TrialStore {
  /** All that is there, oldest first. */
  lines(): Promise<TrialLine[]>;
  append(line: TrialLine): Promise<void>;
  /** For the ranks of trials. */
  readonly blobs: BlobStore;
}

/**
 * A store in memory.
 * @example
 * (await memoryTrials(memoryBlobs()).lines()).length; // → 0
 */
export function memoryTrials(blobs: BlobStore): TrialStore {
  const all: TrialLine[] = [];
  return {
    lines: async () => [...all],
    append: async (line) => {
      all.push(line);
    },
    blobs,
  };
}

/** A trial of the plan with the work that does it. */
export interface PreparedTrial extends PlannedTrial {
  input: TrialInput;
  key: string;
}

/** An experiment on its data. */
export interface PreparedExperiment {
  experiment: CheckedExperiment;
  /** With halves, where those are asked for. */
  markets: Markets;
  /** SHA-256 of the markets. */
  data: string;
  trials: PreparedTrial[];
  /** The held-out files that choose and report. */
  tune: string;
  report: string;
}

/** What was read for an experiment, by protocols whose candidates are lists: by market, by user. */
export type ListsByProtocol = Readonly<Record<string, Record<string, Record<string, string[]>>>>;

/**
 * Lays out an experiment on its markets: the halves, the digests, the work of each trial.
 * @param blobs where works find the markets
 * @throws ArgumentError for options that the kinds do not take, and markets without the held-out rows.
 * @example
 * const checked = checkExperiment({ models: [{ model: 'ease' }, { model: 'popularity' }] });
 * const prepared = await prepareExperiment(checked, markets, memoryBlobs());
 * prepared.trials.map(({ name }) => name); // → ['ease', 'popularity']
 */
export async function prepareExperiment(
  experiment: CheckedExperiment,
  markets: Markets,
  blobs: BlobStore,
  lists: ListsByProtocol = {},
): Promise<PreparedExperiment> {
  const planned = planTrials(experiment);
  const { heldOut, halves } = experiment;
  if (!markets.markets.some((market) => (market.heldOut[heldOut] ?? []).length > 0))
    throw new ArgumentError('heldOut', heldOut, 'a file of held-out rows that the data has; or give `split`');
  const parted = halves ? withHalves(markets, heldOut) : markets;
  const data = await blobs.put(encodeMarkets(parted));
  const protocols = await Promise.all(
    experiment.protocols.map(async ({ name, protocol, negatives, seed, repeat }): Promise<TrialProtocol> => {
      if (protocol !== 'lists') return { name, protocol, negatives, seed, repeat };
      const digest = await blobs.put(new TextEncoder().encode(canonicalJson(lists[name] ?? {})));
      return { name, protocol, negatives, seed, repeat, lists: digest };
    }),
  );
  const [tune, report] = halves ? ['tune', 'report'] : [heldOut, heldOut];
  const files = [...new Set([tune, report])];
  const trials: PreparedTrial[] = [];
  for (const trial of planned) {
    const input = inputOf(experiment, trial, { data, protocols, heldOut: files, tune });
    trials.push({ ...trial, input, key: await keyOf(input) });
  }
  return { experiment, markets: parted, data, trials, tune, report };
}

/** The name of a trial's result. */
export const keyOf = (input: TrialInput) => workKey(trialKind, trialKind.input.encode(input));

function inputOf(
  { k, groups, lists }: CheckedExperiment,
  { options, selectEpoch }: PlannedTrial,
  on: Pick<TrialInput, 'data' | 'protocols' | 'heldOut'> & { tune: string },
): TrialInput {
  const { data, protocols, heldOut, tune } = on;
  return { data, options, ...(selectEpoch && { selectBy: tune }), protocols, heldOut, k, groups, lists };
}

/** How far an experiment is. */
export interface ExperimentProgress {
  done: number;
  total: number;
  /** Trials that were in the store already. */
  reused: number;
  /** About how long the rest takes; absent until there is a time to tell it from. */
  secondsLeft?: number;
}

export interface RunOptions extends JobOptions {
  store: TrialStore;
  executor: Executor;
  /** Version of the package, kept with each trial. */
  build: string;
  /** Called with each trial, those that were in the store first. */
  onTrial?: (line: TrialLine, progress: ExperimentProgress) => void;
}

/**
 * Runs the trials that the store does not have. Ends with the lines of all trials, in the order of the plan.
 * @throws what the executor throws; AbortedError when stopped: every trial that had ended is in the store.
 * @example
 * const small = checkExperiment({ models: [{ model: 'popularity' }], lists: 0 });
 * const executor = localExecutor();
 * const plan = await prepareExperiment(small, markets, executor.blobs);
 * const lines = await runTrials(plan.trials, { executor, store: memoryTrials(memoryBlobs()), build: 'test' });
 * lines[0].found.clean.report.length; // → 5
 */
export async function runTrials(trials: readonly PreparedTrial[], options: RunOptions): Promise<TrialLine[]> {
  new Job(options); // checks it
  const { store, executor, build, onTrial, onProgress, signal } = options;
  checkCallback('onTrial', onTrial);
  const before = await store.lines();
  const known = new Map(before.filter(({ error }) => error === undefined).map((line) => [line.key, line]));
  const todo: PreparedTrial[] = [];
  const progress = { done: 0, total: trials.length, reused: 0 };
  for (const trial of trials) {
    const line = known.get(trial.key);
    if (line) {
      progress.done++;
      progress.reused++;
      // the name may be another one today
      known.set(trial.key, { ...line, name: trial.name, given: trial.given });
      onTrial?.(known.get(trial.key)!, { ...progress });
    } else if (!todo.some(({ key }) => key === trial.key)) todo.push(trial);
    else progress.total--;
  }
  const times = before.filter((line) => line.error === undefined);
  const works = todo.map(({ input }) => ({ kind: trialKind, input }));
  const left = new Set(todo);
  await executor.run(works, {
    signal,
    onProgress,
    onResult: async (index, output: TrialOutput, report: WorkReport) => {
      const trial = todo[index];
      await keepRanks(executor.blobs, store.blobs, output.ranks);
      const line = lineOf(trial, output, report, build);
      await store.append(line);
      known.set(trial.key, line);
      times.push(line);
      left.delete(trial);
      progress.done++;
      // of a kind that nothing is known of, a trial takes as long as the others do
      const usual = times.reduce((sum, { seconds }) => sum + seconds, 0) / times.length;
      const costs = Object.fromEntries(trials.map(({ name }) => [name, usual]));
      const secondsLeft = left.size > 0 ? secondsOf([...left], times, executor.parallel, costs)?.seconds : undefined;
      onTrial?.(line, { ...progress, ...(secondsLeft !== undefined && { secondsLeft }) });
    },
  });
  return trials.flatMap(({ key, name, given }) => {
    const line = known.get(key);
    return line ? [{ ...line, name, given }] : [];
  });
}

function lineOf(trial: PreparedTrial, output: TrialOutput, report: WorkReport, build: string): TrialLine {
  const { key, name, kind, given, options, seed, selectEpoch, input } = trial;
  const hundredth = (value: number) => Math.round(100 * value) / 100;
  return {
    ...{ key, name, kind, given, options },
    ...(seed !== undefined && { seed }),
    ...{ selectEpoch, data: input.data },
    ...(input.share !== undefined && { share: input.share }),
    ...{ build, date: new Date().toISOString().slice(0, 19), seconds: hundredth(report.seconds) },
    measured: Object.fromEntries(
      Object.entries(report.measured).map(([part, value]) => [part, hundredth(value)] as const),
    ),
    ...output,
  };
}

/** Copies ranks and the rows that they name. */
async function keepRanks(from: BlobStore, to: BlobStore, digest: string | undefined): Promise<void> {
  if (digest === undefined || from === to) return;
  const bytes = await from.get(digest);
  if (!bytes) throw ArgumentError.because('blobs', `the ranks ${digest} of a trial are not where its worker put them`);
  for (const rows of new Set(rowsOfRanks(bytes))) {
    const kept = (await to.get(rows)) ?? (await from.get(rows));
    if (kept) await to.put(kept);
  }
  await to.put(bytes);
}

/** What is known of a trial that ended. */
type TimedTrial = Pick<TrialLine, 'kind' | 'options' | 'seconds' | 'share'>;

/** A guess of how long trials take, and what it rests on. */
export interface Guess {
  seconds: number;
  /** Names of models for which there is neither a recorded time nor a stated one; their trials count nothing. */
  unknown: string[];
}

/**
 * About how long trials take: by the times of earlier ones of the kind, for epochs in proportion to these; else by the
 * cost that the experiment states.
 * @returns undefined where nothing is known of any of them.
 */
export function secondsOf(
  trials: readonly (Pick<PreparedTrial, 'name' | 'kind' | 'options'> & { input?: Pick<TrialInput, 'share'> })[],
  times: readonly TimedTrial[],
  parallel = 1,
  costs: Readonly<Record<string, number | undefined>> = {},
): Guess | undefined {
  let seconds = 0;
  let told = 0;
  const unknown = new Set<string>();
  for (const { name, kind, options, input } of trials) {
    const recorded = times.filter((each) => each.kind === kind);
    const guess = recorded.length > 0 ? guessFrom(recorded, options, input?.share ?? 1) : costs[name];
    if (guess === undefined) unknown.add(name);
    else {
      seconds += guess;
      told++;
    }
  }
  if (told === 0 && trials.length > 0) return undefined;
  return { seconds: seconds / parallel, unknown: [...unknown] };
}

/** The mean of the recorded trials with the most options in common; seconds of an epoch times epochs, if it has those. */
function guessFrom(recorded: readonly TimedTrial[], options: Record<string, unknown>, share: number): number {
  const common = (other: Record<string, unknown>) =>
    Object.keys(options).filter((name) => name !== 'seed' && other[name] === options[name]).length;
  const most = recorded.reduce((best, line) => Math.max(best, common(line.options)), 0);
  const nearest = recorded.filter((line) => common(line.options) === most);
  const epochs = (values: Record<string, unknown>) => Math.max(1, Number(values.epochs ?? 1));
  const scaled = ({ seconds, options: theirs, share: of = 1 }: TimedTrial) =>
    (seconds * epochs(options) * share) / (epochs(theirs) * of);
  return nearest.reduce((sum, line) => sum + scaled(line), 0) / nearest.length;
}
