// What is on the screen, as signals. The worker owns everything else.
import { computed, signal } from '@preact/signals';
import type { StoreUsage } from '../browser/store.ts';
import type {
  DataFacts,
  DeviceFacts,
  InputFile,
  KindFacts,
  ModelFacts,
  Opening,
  ReadRequest,
  StoredFacts,
  Title,
  TrainResult,
} from './worker/api.ts';

/** Written by the build. */
declare const SAMPLE: Opening;
/** What the page opens with. */
export const OPENING = SAMPLE;

export const data = signal<DataFacts | undefined>(undefined);
export const model = signal<ModelFacts | undefined>(undefined);
/** What can be trained. */
export const kinds = signal<readonly KindFacts[]>([]);
/** What the last training measured. */
export const trained = signal<TrainResult | undefined>(undefined);
export const device = signal<DeviceFacts | undefined>(undefined);
export const saved = signal<readonly StoredFacts[]>([]);
export const usage = signal<StoreUsage | undefined>(undefined);
export const titles = signal<ReadonlyMap<string, Title>>(new Map(OPENING.titles.map((title) => [title.id, title])));
/** What the data were read from. */
export const lastRead = signal<ReadRequest | undefined>(undefined);
/** Files that came in elsewhere, for the Data view to show. */
export const incoming = signal<readonly InputFile[]>([]);
/** The model that answers is the sample's own. */
export const isSample = signal(true);
export const isReady = signal(false);
export const basket = signal<readonly string[]>(OPENING.basket);
/** A known customer whose history is the basket. */
export const customer = signal<string | undefined>(undefined);
export const market = signal(OPENING.market);
export const toast = signal<{ text: string; action?: { label: string; run: () => void } } | undefined>(undefined);
/** A fault of the worker, over everything. */
export const fault = signal<string | undefined>(undefined);

export const titleOf = (item: string): string => titles.value.get(item)?.title || item;
/** Whether this is the page that shows pictures of other origins. */
export const SHOWS_PICTURES = globalThis.document?.documentElement.dataset.pictures !== undefined;
/** A picture's address, if pictures are shown and it is one of the web. */
export function pictureOf(item: string): string | undefined {
  const image = SHOWS_PICTURES ? titles.value.get(item)?.image : undefined;
  return image && /^https?:\/\//.test(image) ? image : undefined;
}
export const categories = computed(() => [
  ...new Set([...titles.value.values()].map(({ category }) => category).filter(Boolean)),
]);

/** Of the sample shop, largest first. */
const SAMPLE_MARKETS = ['us', 'uk', 'de', 'jp', 'in'];
/** Largest first; its place gives a market its colour and shape, and it keeps them. */
const places = new Map(SAMPLE_MARKETS.map((name, place) => [name, place]));
export function placeOf(name: string): number {
  const known = places.get(name);
  if (known !== undefined) return known;
  places.set(name, places.size);
  return places.size - 1;
}
export function placeMarkets(names: readonly string[]): void {
  for (const name of names) placeOf(name);
}
