// Several tabs of one store, whose writing takes turns by itself: an open model is not deleted, and a training is seen elsewhere.
// Without locks (an old browser) all goes on as in one tab.
import { ArgumentError } from '../../common/errors.ts';

const TRAINING = 'm3rec:training';
const lockOf = (name: string) => `m3rec:name:${name}`;
const locks = (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;
/** Told to the other tabs, and to this one: the list of saved models is another. */
const MODELS_CHANGED = 'models-changed';
const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('m3rec') : undefined;

/** Changes the saved models, then tells all tabs. */
export async function changing<T>(work: () => Promise<T>): Promise<T> {
  const made = await work();
  channel?.postMessage(MODELS_CHANGED);
  return made;
}

let held: { release: () => void; isReleased: Promise<unknown> } | undefined;

/** This tab's open model, which no other tab may delete or rename; undefined for one that has no name. */
export async function hold(name: string | undefined): Promise<void> {
  held?.release();
  // asked for too early, a browser may still find it taken
  await held?.isReleased;
  held = undefined;
  if (name === undefined || !locks) return;
  await new Promise<void>((isHeld) => {
    let release = () => {};
    const kept = new Promise<void>((resolve) => {
      release = resolve;
    });
    const isReleased = locks.request(lockOf(name), { mode: 'shared' }, () => {
      isHeld();
      return kept;
    });
    held = { release, isReleased };
  });
}

/** @throws ArgumentError where another tab has the model open */
export async function unlessOpenElsewhere<T>(name: string, isOpenHere: boolean, work: () => Promise<T>): Promise<T> {
  if (!locks) return work();
  if (isOpenHere) await hold(undefined);
  return locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
    if (!lock) {
      if (isOpenHere) await hold(name);
      throw ArgumentError.because('model', `${name} is open in another tab; close it there first`);
    }
    return work();
  }) as Promise<T>;
}

let trainings = 0;

/** Runs a training that other tabs can see. */
export async function training<T>(work: () => Promise<T>): Promise<T> {
  trainings++;
  try {
    return locks ? ((await locks.request(TRAINING, { mode: 'shared' }, work)) as T) : await work();
  } finally {
    trainings--;
  }
}

export async function isTrainingElsewhere(): Promise<boolean> {
  const { held = [] } = (await locks?.query()) ?? {};
  return held.filter(({ name }) => name === TRAINING).length > trainings;
}
