// A plan: jobs as data, each with the bytes and the earlier jobs that it reads. It is JSON, names no path, and is
// checked like a model file before anything of it runs.
import { canonicalJson } from '../common/canonical-json.ts';
import { M3RecError } from '../common/errors.ts';
import { digestOfValue, isDigest, kernelsDigest } from './digest.ts';

/** Values of a job: numbers, texts, and objects and lists of these. */
export type Params = Readonly<Record<string, unknown>>;

/** What a job reads: a blob by its digest, or an output of an earlier job. */
export type Input = string | readonly [job: number, output: number];

/** One job of a plan. */
export interface PlannedJob {
  /** Which of the jobs of this package it is, and the version of what that means. */
  kind: string;
  version: number;
  params: Params;
  inputs: readonly Input[];
  /** About how long it takes, in any unit that all jobs of the plan have in common. */
  cost: number;
  /** How many outputs it has. */
  outputs: number;
}

/** A graph of jobs without circles. The first output of the last job is the result. */
export interface Plan {
  format: 1;
  /** What it makes, for people: "train", "recommend", "evaluate", "experiment". */
  what: string;
  /** Of the kernels, and the version of the package: other ones give other names to all jobs. */
  kernels: string;
  build: string;
  /** Each reads earlier ones alone. Jobs that can run side by side come together: `levels`. */
  jobs: readonly PlannedJob[];
  /** What is not cut, and why, for people. */
  notes: readonly string[];
}

/** Most jobs of a plan, and bytes of its JSON. */
const MAX_JOBS = 1_000_000;
const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/**
 * The name of each job: the hash of all that its outputs depend on. Where an input is a job's output, that job's name
 * stands for it, since its bytes follow from the name.
 */
export function jobNames(plan: Plan): string[] {
  const names: string[] = [];
  for (const { kind, version, params, inputs } of plan.jobs)
    names.push(
      digestOfValue({
        format: plan.format,
        kernels: plan.kernels,
        build: plan.build,
        kind,
        version,
        params,
        inputs: inputs.map((input) => (typeof input === 'string' ? input : [names[input[0]], input[1]])),
      }),
    );
  return names;
}

/** The name of a plan's runs: two submissions of one plan are one run. */
export const runName = (plan: Plan): string => digestOfValue(plan).slice(0, 20);

/** Numbers of the jobs that can run side by side once all before them are done, as ranges [begin, end). */
export function levels({ jobs }: Plan): [begin: number, end: number][] {
  const found: [number, number][] = [];
  const depths: number[] = [];
  for (const [number, { inputs }] of jobs.entries()) {
    const depth = inputs.reduce(
      (most, input) => (typeof input === 'string' ? most : Math.max(most, depths[input[0]] + 1)),
      0,
    );
    depths.push(depth);
    const last = found.at(-1);
    if (last && depths[number - 1] === depth) last[1] = number + 1;
    else found.push([number, number + 1]);
  }
  return found;
}

/** Makes a plan, job by job. */
export class PlanBuilder {
  private readonly jobs: PlannedJob[] = [];
  private readonly depths: number[] = [];
  readonly notes: string[] = [];

  /** @returns the first output, as an input of later jobs. */
  add(
    kind: { name: string; version: number },
    params: Params,
    inputs: readonly Input[],
    cost: number,
    outputs = 1,
  ): readonly [job: number, output: number] {
    const depth = inputs.reduce(
      (most, input) => (typeof input === 'string' ? most : Math.max(most, this.depths[input[0]] + 1)),
      0,
    );
    this.depths.push(depth);
    this.jobs.push({
      kind: kind.name,
      version: kind.version,
      params,
      inputs,
      cost: Number(cost.toPrecision(6)),
      outputs,
    });
    return [this.jobs.length - 1, 0];
  }

  /** The plan, jobs of one depth together. The last job that was added is the result. */
  finish(what: string, build: string): Plan {
    const order = [...this.jobs.keys()].sort((a, b) => this.depths[a] - this.depths[b] || a - b);
    const places = new Map(order.map((job, place) => [job, place]));
    if (order.at(-1) !== this.jobs.length - 1) throw new M3RecError('a plan ends with the job that all others lead to');
    return {
      format: 1,
      what,
      kernels: kernelsDigest(),
      build,
      jobs: order.map((job) => ({
        ...this.jobs[job],
        inputs: this.jobs[job].inputs.map((input) =>
          typeof input === 'string' ? input : ([places.get(input[0])!, input[1]] as const),
        ),
      })),
      notes: this.notes,
    };
  }
}

/** The JSON of a plan: equal plans are equal texts. */
export const planText = (plan: Plan): string => `${canonicalJson(plan)}\n`;

/**
 * A plan from a file or a store, every part of it checked.
 * @param isKnown whether this package has a job of that kind and version
 * @throws M3RecError naming the job and what is wrong with it, or the build that made the plan.
 */
export function parsePlan(text: string, name: string, isKnown: (kind: string, version: number) => boolean): Plan {
  const fail = (problem: string): never => {
    throw new M3RecError(`${name}: ${problem}`);
  };
  let plan: Plan;
  try {
    plan = JSON.parse(text);
    if (planText(plan) !== text) fail('it is not as m3rec writes plans: make it again with m3rec plan');
  } catch (error) {
    if (error instanceof M3RecError) throw error;
    return fail('this is not the JSON of a plan');
  }
  const { format, what, kernels, build, jobs, notes } = plan;
  if (format !== 1) fail(`found format ${JSON.stringify(format)}, expected 1`);
  if (typeof what !== 'string' || !NAME.test(what)) fail('it does not say what it makes');
  if (typeof build !== 'string' || build.length > 64) fail('it does not say which build made it');
  if (kernels !== kernelsDigest())
    fail(
      `it was made by a build with kernels ${String(kernels).slice(0, 8)} (m3rec ${build}), and this one has ${kernelsDigest().slice(0, 8)}: use one build on all machines`,
    );
  if (!Array.isArray(notes) || !notes.every((note) => typeof note === 'string')) fail('its notes are no texts');
  if (!Array.isArray(jobs) || jobs.length === 0 || jobs.length > MAX_JOBS) fail(`it has no jobs, or over ${MAX_JOBS}`);
  for (const [number, job] of jobs.entries())
    checkJob(job, number, jobs, isKnown, (problem) => fail(`job ${number}: ${problem}`));
  return plan;
}

function checkJob(
  job: PlannedJob,
  number: number,
  jobs: readonly PlannedJob[],
  isKnown: (kind: string, version: number) => boolean,
  fail: (problem: string) => never,
): void {
  if (typeof job !== 'object' || job === null) fail('it is no object');
  const { kind, version, params, inputs, cost, outputs } = job;
  if (typeof kind !== 'string' || !NAME.test(kind) || !Number.isInteger(version))
    fail('its kind is no name and version');
  if (!isKnown(kind, version))
    fail(`this build has no job "${kind}" of version ${version}: use one build on all machines`);
  if (typeof params !== 'object' || params === null || Array.isArray(params)) fail('its params are no object');
  if (!(typeof cost === 'number' && cost >= 0 && Number.isFinite(cost))) fail('its cost is no number from 0');
  if (!Number.isInteger(outputs) || outputs < 1 || outputs > MAX_JOBS) fail('it has no outputs');
  if (!Array.isArray(inputs)) fail('its inputs are no list');
  for (const input of inputs) {
    if (isDigest(input)) continue;
    const [from, output] = Array.isArray(input) ? input : [];
    if (!(Number.isInteger(from) && from >= 0 && from < number))
      fail('an input is neither a digest nor an earlier job');
    if (!(Number.isInteger(output) && output >= 0 && output < jobs[from].outputs))
      fail('an input is no output of its job');
  }
}
