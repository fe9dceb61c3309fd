// The page's side of its worker.
import { connectCalls, type Remote } from '../browser/calls.ts';
import { AbortedError, WorkerError } from '../common/errors.ts';
import { scriptUrl } from './script-url.ts';
import * as state from './state.ts';
import type { ModelFacts } from './worker/api.ts';
import type { AppMethods } from './worker/main.ts';

/** Written by the build: the worker's file. */
declare const WORKER: string;

let worker: Remote<AppMethods>;

export function startWorker(): void {
  worker = connectCalls<AppMethods>(
    new Worker(scriptUrl(new URL(WORKER, document.baseURI)), { type: 'module' }),
    (error) => {
      state.fault.value = error.message;
    },
  );
}

/** Ends a worker that does not stop, and starts another; data that it had are read again. */
export function restartWorker(): void {
  worker.close();
  startWorker();
}

export const remote = (): Remote<AppMethods> => worker;

/** What the library says, without the flag of the command line that it may end with. */
export const plainly = (message: string): string => message.replace(/\s*[:;(][^:;(]*--[a-z][\s\S]*$/, '');

/** What a view says of a call that failed: nothing where it was stopped, or where the worker ended. */
export const problemOf = (error: unknown): string | undefined =>
  error instanceof AbortedError || error instanceof WorkerError ? undefined : plainly((error as Error).message);

/** Runs a call whose fault is none of the view's; a worker that ended is said over everything. */
export async function ask<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof WorkerError)) state.toast.value = { text: plainly((error as Error).message) };
    return undefined;
  }
}

/** Only the newest call of a place is of interest: the answers of older ones are dropped. */
export function newest(): <T>(call: () => Promise<T>, then: (value: T) => void) => void {
  let last = 0;
  return (call, then) => {
    const own = ++last;
    ask(call()).then((value) => {
      if (own === last && value !== undefined) then(value);
    });
  };
}

/** Facts of the open model's items, for searching and naming. */
export async function loadTitles(): Promise<void> {
  const lines = await ask(worker.titles());
  if (lines === undefined) return;
  state.titles.value = new Map(
    lines.split('\n').map((line) => {
      const [id, title, category, image] = line.split('\t');
      return [id, { id, title, category, ...(image && { image }) }];
    }),
  );
}

/** A model that was trained or opened answers from now on: in this market, or its first. */
export async function adoptModel(facts: ModelFacts, market = facts.markets[0].name): Promise<void> {
  state.placeMarkets(facts.markets.map(({ name }) => name));
  await loadTitles();
  state.isSample.value = false;
  state.trained.value = undefined;
  state.customer.value = undefined;
  state.basket.value = state.basket.value.filter((item) => state.titles.value.has(item));
  state.market.value = market;
  state.model.value = facts;
}

/** Keeps the data that were read for the next visit. */
export async function keepData(): Promise<void> {
  await ask(worker.remember());
  performance.mark('m3rec-kept');
}

/** What is saved; where that cannot be found out, what was known stays. */
export async function loadModels(): Promise<void> {
  state.saved.value = (await ask(worker.models())) ?? state.saved.value;
  state.usage.value = (await ask(worker.usage())) ?? state.usage.value;
}
