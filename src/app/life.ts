// The worker's life, seen from the page: how it begins, and begins again after it ended.
import { ask, loadModels, loadTitles, remote, restartWorker } from './client.ts';
import { remembers, texts } from './format.ts';
import { GIVEN, openGiven } from './given.ts';
import { adoptLink } from './link.ts';
import { goTo, route } from './router.ts';
import * as state from './state.ts';

/** Opens the sample's small files, then what the page was started with; the rest of the sample comes behind that. */
export async function begin(): Promise<void> {
  sayLost();
  const at = (file: string) => new URL(file, document.baseURI).href;
  const { market, basket } = state.OPENING;
  const started = await ask(
    remote().start({
      kernels: at('kernels.wasm'),
      model: at('sample-in.m3rec'),
      aloneModel: at('sample-in-alone.m3rec'),
      market,
    }),
  );
  if (!started) return;
  state.model.value = started;
  state.isSample.value = true;
  state.market.value = market;
  state.basket.value = basket;
  state.customer.value = undefined;
  await loadTitles();
  state.isReady.value = true;
  const isTaken = adoptLink(route.value);
  performance.mark('m3rec-ready');
  if (location.hash === GIVEN) await ask(openGiven());
  state.device.value = await ask(remote().device());
  const recalled = remembers.value ? await ask(remote().recall()) : undefined;
  if (recalled) {
    state.data.value = recalled;
    state.placeMarkets(recalled.markets.map(({ name }) => name));
  }
  const facts = await ask(remote().sample({ unlessRead: true }));
  if (facts) state.data.value = facts;
  performance.mark('m3rec-sample');
  if (facts && state.isSample.value) {
    const quick = await ask(remote().quick(undefined));
    if (quick && state.isSample.value) {
      state.model.value = quick;
      await loadTitles();
      if (!isTaken) adoptLink(route.value);
    }
  }
}

/** A new worker begins as the page did; data that the old one had are read again from their files. */
export async function recover(): Promise<void> {
  restartWorker();
  state.fault.value = undefined;
  state.data.value = undefined;
  const files = state.lastRead.value;
  const again = files && ask(remote().read(files));
  void loadModels();
  await begin();
  const facts = await again;
  if (facts) state.data.value = facts;
}

const TRAINING = 'm3rec:training';

/** Noted for the next visit: a tab that closes during a training loses it. */
export const beginTraining = (): void => note(true);

export const endTraining = (): void => note(false);

function note(isTraining: boolean): void {
  try {
    if (isTraining) sessionStorage.setItem(TRAINING, '');
    else sessionStorage.removeItem(TRAINING);
  } catch {
    // a window that keeps nothing
  }
}

/** Says that the last training of this tab was lost, if it was. */
function sayLost(): void {
  try {
    if (sessionStorage.getItem(TRAINING) === null) return;
  } catch {
    return;
  }
  endTraining();
  const t = texts.value;
  state.toast.value = { text: t.train.lost, action: { label: t.views.train, run: () => goTo('train') } };
}
