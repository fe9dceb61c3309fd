// The loop of a fuzz run, in a process of its own: whoever started it can end a case that does not return, and outlives
// one that exhausts the memory. Bundled by run.mjs, which also asks `make` for the input of such a case.
import { openSync, writeSync } from 'node:fs';
import '../support/kernels.ts';
import { xxHash32 } from '../../src/common/xxhash.ts';
import { SplitMix } from '../../src/data/splitmix.ts';
import {
  checkPrototypeKeys,
  checkPrototypes,
  type Random,
  rememberPrototypes,
  type Target,
  watchAllocations,
} from './engine.ts';
import { faultyTarget } from './faulty-target.ts';
import { handlerTarget } from './handler-target.ts';
import { modelTarget } from './model-target.ts';
import { packedTargets } from './packed-target.ts';
import { queryTarget } from './query-target.ts';
import { readersTarget } from './readers-target.ts';
import { runTarget } from './run-target.ts';

export const targets: Target[] = [
  modelTarget,
  readersTarget,
  ...packedTargets,
  runTarget,
  queryTarget,
  handlerTarget,
  faultyTarget,
];

export interface Failure {
  target: string;
  /** Number of the case. */
  index: number;
  /** Error and place: failures alike are one. */
  signature: string;
  report: string;
  input: Uint8Array;
}

/** What a stretch of cases came to; counts by key. */
export interface Tally {
  cases: number;
  /** Memory of the process, in bytes. */
  rss: number;
  kinds: Map<string, number>;
  /** Stacks of the refusals, cut to positions in the bundle. */
  stacks: Map<string, number>;
  failures: Failure[];
}

interface Order {
  target: string;
  seed: number;
  /** Cases from … to − 1, or these inputs instead. */
  from: number;
  to: number;
  inputs?: Uint8Array[];
  /** File that says which case is running, and how many times one has been run, for the watch: two 32-bit numbers. */
  current: string;
}

/** The numbers of one case; unrelated to those of any other. */
function randomOf(target: Target, seed: number, index: number): Random {
  return new SplitMix(seed ^ xxHash32(new TextEncoder().encode(target.name)), index);
}

/** The input of one case, made again. */
export async function make(name: string, seed: number, index: number): Promise<Uint8Array> {
  const target = targets.find((each) => each.name === name)!;
  await target.prepare?.();
  return target.make(randomOf(target, seed, index));
}

const REPORT_EVERY = 250;
const CHECK_ALL_EVERY = 64;
const SHRINK_TRIES = 400;

async function work({ target: name, seed, from, to, inputs, current }: Order): Promise<void> {
  const target = targets.find((each) => each.name === name)!;
  Error.stackTraceLimit = 12;
  await target.prepare?.();
  rememberPrototypes();
  watchAllocations();
  let rejection: unknown;
  process.on('unhandledRejection', (reason) => {
    rejection = reason ?? new Error('rejected with nothing');
  });
  const watched = openSync(current, 'r+');
  const place = new Uint32Array(2);
  const attempt = async (input: Uint8Array) => {
    place[1]++;
    writeSync(watched, place, 0, 8, 0);
    // A copy, so that a case that writes into its input does not change what is kept of it.
    const outcome = await target.run(input.slice());
    checkPrototypeKeys();
    if (rejection !== undefined) {
      const reason = rejection;
      rejection = undefined;
      throw reason;
    }
    return outcome;
  };
  let tally = emptyTally();
  const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  const flush = async () => {
    const message = { ...tally, rss: process.memoryUsage.rss() };
    tally = emptyTally();
    await new Promise((resolve) => process.send!(message, resolve));
  };
  for (let index = from; index < to; index++) {
    place[0] = index;
    const input = inputs ? inputs[index] : target.make(randomOf(target, seed, index));
    tally.cases++;
    try {
      const { kind, error } = await attempt(input);
      add(tally.kinds, kind);
      if (error) add(tally.stacks, positions(error));
      if (inputs || index % CHECK_ALL_EVERY === 0 || index === to - 1) checkPrototypes();
    } catch (error) {
      const signature = signatureOf(error);
      add(tally.kinds, 'FAILURE');
      const shortest =
        target.shrinks && !inputs
          ? await shrink(input, async (shorter) => (await attempt(shorter).then(() => '', signatureOf)) === signature)
          : input;
      const text = error instanceof Error ? error.stack : String(error);
      tally.failures.push({
        target: name,
        index,
        signature,
        report: `${shortest.length} bytes: ${text}`,
        input: shortest,
      });
    }
    // A failure at once: the next case may end the process.
    if (tally.cases >= REPORT_EVERY || tally.failures.length > 0) await flush();
  }
  await flush();
  process.send!('done', () => process.exit());
}

const emptyTally = (): Tally => ({ cases: 0, rss: 0, kinds: new Map(), stacks: new Map(), failures: [] });

/** The error's class and the three innermost places. */
function signatureOf(error: unknown): string {
  return error instanceof Error
    ? `${error.constructor.name} ${positions(error).split(' ').slice(0, 3).join(' ')}`
    : typeof error;
}

/** `function@line:column …`, innermost first. */
function positions(error: Error): string {
  const frames = [...(error.stack ?? '').matchAll(/^\s+at (?:(?:async |new )*([^\s(]+) \()?.*?:(\d+):(\d+)\)?$/gm)];
  return frames.map(([, name = '', line, column]) => `${name}@${line}:${column}`).join(' ');
}

/** A shorter input that fails alike: blocks are left out as long as it does. */
async function shrink(input: Uint8Array, fails: (shorter: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let shortest = input;
  let tries = 0;
  for (let block = input.length >> 1; block >= 1; block >>= 1) {
    for (let at = 0; at < shortest.length && tries < SHRINK_TRIES; ) {
      const shorter = new Uint8Array([...shortest.subarray(0, at), ...shortest.subarray(at + block)]);
      tries++;
      if (await fails(shorter)) shortest = shorter;
      else at += block;
    }
  }
  return shortest;
}

if (process.argv[2] === 'work') process.once('message', (order: Order) => work(order));
