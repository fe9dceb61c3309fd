// A stage is a value with a name, its peak memory and `run`. A StageRunner runs it, so that progress, errors, time,
// memory and facts of all stages are handled in one place.
import { checkCallback } from '../common/errors.ts';
import { Job, type JobOptions, type Step } from '../common/job.ts';
import { OverallProgress } from './overall.ts';
import type { KernelExports, Kernels } from './types.ts';

/** Turns a value into bytes and back. Equal values give equal bytes. */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  /** @throws ModelFileError for bytes that `encode` did not write. */
  decode(bytes: Uint8Array): T;
}

/** What a stage works with while it runs. */
export interface StageContext {
  /** In English, for progress, reports and errors. */
  readonly name: string;
  /** For programs, which may translate it. */
  readonly id: string;
  readonly kernels: Kernels;
  /** For stages that wait for something else than kernels; `tick` checks it. */
  readonly signal: AbortSignal | undefined;
  /**
   * Reports progress and lets the event loop run. Call between kernel calls; keep each of those well under 200 ms.
   * @throws AbortedError if the job was stopped.
   */
  tick(done: number, total: number, loss?: number): Promise<void>;
  /** A part of this stage with its own progress: "skip-gram: order", with the id "skip-gram.order". */
  part(name: string): StageContext;
  /** Says, before the work starts, what will be done differently than usual and why. */
  note(text: string): void;
}

/** What a market takes from another. */
export interface Source {
  market: string;
  /** Users there with one of the market's items or more. */
  users: number;
  /** Of the market's items, those that are bought there. */
  items: number;
}

/** What a stage has made. */
export interface StageResult<Out> {
  value: Out;
  /** Counts and measures that depend on the input alone. They are kept in the model file. */
  fact: Record<string, number>;
  /** The markets that it was made from, where a market takes from others. Kept in the model file. */
  sources?: readonly Source[];
  /** How it was done, for the report. */
  note?: string;
}

/** One stage of a job, from an input to a value. */
export interface Stage<In, Out> {
  readonly name: string;
  readonly id: string;
  /** The market that it is about, if it is about one. */
  readonly market?: string;
  /**
   * Peak linear memory in bytes, a double, as far as the input alone tells. It is asked for before anything is
   * allocated; what the input does not tell (the fill of a factor, the entries of a product), the stage asks for
   * itself.
   */
  bytes(input: In, exports: KernelExports): number;
  run(input: In, context: StageContext): Promise<StageResult<Out>>;
  /** How the value is stored, for those who keep it or send it to another machine. */
  readonly artefact?: Codec<Out>;
  /** What `run` gives for this input, from its value, where that was made before or elsewhere. */
  resume?(input: In, value: Out): StageResult<Out>;
}

/** The value of a stage that was made before or elsewhere; undefined where it is to be run. */
export type Known = (stage: Pick<Stage<never, unknown>, 'name' | 'id' | 'market'>) => unknown;

/** What a finished stage reports. */
export interface StageReport {
  /** In English. */
  stage: string;
  /** For programs, which may translate it. */
  id: string;
  /** The market that the stage is about, if it is about one. */
  market?: string;
  seconds: number;
  /** The stage's last mean loss, if it has one. */
  loss?: number;
  /** Most bytes of linear memory in use at once during the stage. */
  peakBytes: number;
  detail: string;
}

/** Who is told about stages. */
export interface StageOptions extends JobOptions {
  /** Called when a stage has finished. */
  onStage?: (report: StageReport) => void;
  /** Called when a stage starts that will work differently than usual, with what it does and why. */
  onNote?: (note: string) => void;
}

/** Runs stages one after the other: asks for their memory, measures, reports, and collects their facts. */
export class StageRunner {
  /** What the stages found, without times or memory, for the model file. */
  readonly facts: Record<string, unknown>[] = [];
  private readonly job: Job;
  private readonly overall: OverallProgress;
  private stage = '';

  /**
   * @param costs of the stages, as far as they can be guessed: see OverallProgress
   * @param kernels opens the kernels, or gives those that are open; called by each stage.
   * @param known values that need not be made again, of stages that can go on from theirs
   * @throws ArgumentError for options of another type.
   */
  constructor(
    readonly kernels: () => Promise<Kernels>,
    private readonly options: StageOptions = {},
    costs: readonly number[] = [1],
    private readonly known: Known = () => undefined,
  ) {
    this.overall = new OverallProgress(costs);
    const { onProgress } = options;
    new Job(options); // checks them as they were given
    this.job = new Job(
      onProgress
        ? { ...options, onProgress: (step) => onProgress({ ...step, ...this.overall.at(step, this.stage) }) }
        : options,
    );
    checkCallback('onStage', options.onStage);
    checkCallback('onNote', options.onNote);
  }

  /**
   * @throws MemoryError if the stage's memory does not fit; AbortedError if the job was stopped; what the stage throws.
   */
  readonly run = async <In, Out>(stage: Stage<In, Out>, input: In): Promise<Out> => {
    const kernels = await this.kernels();
    const { memory } = kernels;
    const { name, id, market } = stage;
    if (!stage.resume || this.known(stage) === undefined)
      memory.require(stage.bytes(input, kernels.exports), `the stage "${name}"`);
    memory.resetPeak();
    this.stage = id;
    this.overall.begin();
    const start = performance.now();
    const { job, options } = this;
    const context = stageContext(kernels, { stage: name, id, market }, job, (text) => options.onNote?.(text));
    const known = stage.resume && (this.known(stage) as Out | undefined);
    const { value, fact, sources, note } = known ? stage.resume!(input, known) : await stage.run(input, context);
    this.overall.end();
    this.facts.push({ stage: name, ...fact, ...(sources && { market, sources }) });
    options.onStage?.({
      stage: name,
      id,
      ...(market !== undefined && { market }),
      seconds: (performance.now() - start) / 1000,
      loss: fact.loss,
      peakBytes: memory.peak,
      detail: describe(fact, note),
    });
    return value;
  };
}

/** The context of a stage, or of a step that no runner runs. */
export function stageContext(
  kernels: Kernels,
  step: Step | string,
  job = new Job(),
  onNote?: (note: string) => void,
): StageContext {
  const { stage: name, id, market } = typeof step === 'string' ? { stage: step, id: step, market: undefined } : step;
  const here: Step = market === undefined ? { stage: name, id } : { stage: name, id, market };
  return {
    name,
    id,
    kernels,
    signal: job.signal,
    tick: (done, total, loss) => job.tick(here, done, total, loss),
    part: (part) =>
      stageContext(
        kernels,
        { ...here, stage: `${name}: ${part}`, id: `${id}.${part.replaceAll(' ', '-')}` },
        job,
        onNote,
      ),
    note: (text) => onNote?.(`${name}: ${text}`),
  };
}

/** Facts that are no counts; they are told otherwise. */
const UNCOUNTED = new Set(['loss', 'core', 'residual']);

function describe(fact: Record<string, number>, note: string | undefined): string {
  const counts = Object.entries(fact)
    .filter(([name]) => !UNCOUNTED.has(name))
    .map(([name, count]) => `${count.toLocaleString('en-US')} ${name}`)
    .join(', ');
  return note ? `${counts}; ${note}` : counts;
}
