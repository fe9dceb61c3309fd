// What `experiment` and `tune` do first: the file, the data, the trials, who runs them.
import { basename, extname } from 'node:path';
import { ArgumentError } from '../../common/errors.ts';
import { planTrials } from '../../lab/plan.ts';
import { type PreparedExperiment, type PreparedTrial, prepareExperiment } from '../../lab/run.ts';
import { localExecutor } from '../../threads/local-executor.ts';
import type { Executor } from '../../threads/work.ts';
import type { Context } from '../context.ts';
import { nonEmpty } from '../options.ts';
import { named, readExperiment, readExperimentData, readLists } from './experiment-file.ts';

/** Options that both have. */
export interface OpenOptions {
  output?: string;
  data?: string[];
  only?: string[];
  threads?: number;
}

/** An experiment that is ready to run. */
export interface OpenedExperiment {
  prepared: PreparedExperiment;
  /** The trials of the models that `--only` names. */
  chosen: PreparedTrial[];
  executor: Executor;
  folder: string;
}

/** Names with commas between them. */
export const namesOf = (text: string) =>
  nonEmpty(text)
    .split(',')
    .map((name) => name.trim());

/** Seconds of processor time of this process so far. */
function processor(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * @param elsewhere opens who runs the trials, if it is not this process
 * @throws DataError and ArgumentError for what the file and the options say; as `readData`.
 */
export async function openExperiment(
  context: Context,
  file: string,
  { output, data, only, threads }: OpenOptions,
  elsewhere?: () => Promise<Executor>,
): Promise<OpenedExperiment> {
  const experiment = await readExperiment(file, context.signal);
  // before the data is read
  await named(file, async () => planTrials(experiment));
  const names = experiment.models.map(({ name }) => name);
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new ArgumentError('--only', unknown, names.join(', '));
  const markets = await readExperimentData(context, file, experiment, data);
  const lists = await readLists(context, file, experiment, markets);
  const executor = elsewhere
    ? await elsewhere()
    : localExecutor({ ...(await context.threads(threads, false)), onThreads: undefined, processor });
  const prepared = await named(file, () => prepareExperiment(experiment, markets, executor.blobs, lists));
  context.view.clear();
  return {
    prepared,
    chosen: only ? prepared.trials.filter(({ name }) => only.includes(name)) : prepared.trials,
    executor,
    folder: output ?? `${basename(file, extname(file))}-results`,
  };
}
