// The page's worker: it owns the data, the models and the store; the page owns only what is on the screen.
// It starts with what answers; reading and training come as chunks of their own when they are first asked for.
import { type CallOptions, moving, serveCalls } from '../../browser/calls.ts';
import { openModelStore } from '../../browser/open-store.ts';
import type { ModelStore } from '../../browser/store.ts';
import { ArgumentError, UnseenUserError } from '../../common/errors.ts';
import type { Markets } from '../../data/markets.ts';
import { init } from '../../engine/init.ts';
import type { Model } from '../../model/model.ts';
import { decodeModel, encodeModel, inspectModel } from '../../models/file.ts';
import { loadModel } from '../../models/load.ts';
import type { Recommender } from '../../recommend/recommender.ts';
import { answer, itemsOf, popularOf } from './answers.ts';
import type * as api from './api.ts';
import type { Drawn } from './drawing.ts';
import { changing, hold, isTrainingElsewhere, training, unlessOpenElsewhere } from './tabs.ts';
import { titleLines, titleMap, titlesOf } from './titles.ts';
import { Together } from './together.ts';

type Options = Required<CallOptions>;

interface OpenModel {
  recommender: Recommender;
  bytes: Uint8Array;
  facts: api.ModelFacts;
}

let data: { markets: Markets; facts: api.DataFacts } | undefined;
let together: Together | undefined;
let titles = new Map<string, api.Title>();
let open: OpenModel | undefined;
/** The sample's quick model of all markets: it answers for those that the small file does not hold. */
let quick: Recommender | undefined;
/** One market trained alone, by its name: what the others add is seen beside it. */
const alone = new Map<string, Recommender>();
let store: Promise<ModelStore> | undefined;
const models = () => (store ??= openModelStore());
/** Facts of saved models that this page measured; kept beside the models. */
const FACTS = 'm3rec:facts';

/** The model that answers, by bytes. */
async function openBytes(bytes: Uint8Array<ArrayBuffer>, more: Partial<api.ModelFacts> = {}): Promise<api.ModelFacts> {
  const recommender = await loadModel(bytes);
  const { foldsIn, refusal } = recommender.scorer;
  if (!foldsIn) {
    recommender.close();
    throw new UnseenUserError('model', refusal);
  }
  open?.recommender.close();
  quick?.close();
  quick = undefined;
  open = { recommender, bytes, facts: { ...factsOfModel(recommender.model, bytes.length), ...more } };
  titles = titlesOf(recommender.model) ?? titles;
  forgetAlone();
  await hold(undefined);
  return open.facts;
}

function forgetAlone(): void {
  for (const each of alone.values()) each.close();
  alone.clear();
}

function factsOfModel(model: Model, bytes: number): api.ModelFacts {
  return {
    kind: model.kind,
    bytes,
    foldsIn: true,
    hasUsers: model.markets.some(({ users }) => users !== undefined),
    hasVectors: model.dim > 0,
    markets: model.markets.map(({ name, items, users }) => ({ name, items: items.length, users: users?.length ?? 0 })),
  };
}

function opened(): OpenModel {
  if (!open) throw ArgumentError.because('model', 'no model is open; train one, or open a file');
  return open;
}

/** Of the open model, unless only the quick one has this market. */
function recommenderOf(market: string): Recommender {
  const { recommender } = opened();
  return quick && !recommender.markets.includes(market) ? quick : recommender;
}

function readData(): { markets: Markets; facts: api.DataFacts } {
  if (!data) throw ArgumentError.because('data', 'no data is there; add files, or use the sample shop');
  return data;
}

function keep(markets: Markets, facts: api.DataFacts): api.DataFacts {
  data = { markets, facts };
  together = new Together(markets);
  return facts;
}

async function aloneIn(market: string): Promise<Recommender> {
  const known = alone.get(market);
  if (known) return known;
  const { trainAlone } = await import('./training.ts');
  const made = await trainAlone(readData().markets, market, recommenderOf(market).model);
  alone.set(market, made);
  return made;
}

const methods = {
  /** Gets the kernels, and opens the two small files of the sample: the first answer. */
  async start({
    kernels,
    model,
    aloneModel,
    market,
  }: {
    kernels: string;
    model: string;
    aloneModel: string;
    market: string;
  }) {
    await init(kernels);
    const [all, one] = await Promise.all([model, aloneModel].map(fetchBytes));
    const { sampleItems } = await import('../sample.ts');
    titles = titleMap(sampleItems());
    const facts = await openBytes(all);
    alone.set(market, await loadModel(one));
    return facts;
  },

  /** Generates the whole sample shop; nothing where other data were read meanwhile. */
  async sample({ unlessRead }: { unlessRead: boolean }): Promise<api.DataFacts | undefined> {
    const [{ sampleData, sampleItems }, { assembleGenerated }, { factsOf }] = await Promise.all([
      import('../sample.ts'),
      import('../../data/generate.ts'),
      import('./facts.ts'),
    ]);
    if (unlessRead && data) return undefined;
    const markets = assembleGenerated(sampleData());
    titles = titleMap(sampleItems());
    const facts = factsOf(markets);
    const heldOut = markets.markets.reduce((sum, { heldOut }) => sum + Object.values(heldOut).flat().length, 0);
    return keep(markets, {
      ...facts,
      name: 'sample',
      isSample: true,
      heldOut,
      warnings: [],
      hasTitles: true,
      pictures: 0,
    });
  },

  /** Trains the quick model of the sample's markets. Returns the open model's facts, with all markets. */
  async quick(_: undefined, options: Options): Promise<api.ModelFacts> {
    const { trainQuick } = await import('./training.ts');
    const { markets } = readData();
    const made = await trainQuick(markets, options);
    const { facts } = opened();
    quick = made;
    const more = factsOfModel(made.model, 0).markets.filter(({ name }) => !facts.markets.some((m) => m.name === name));
    return { ...facts, markets: [...more, ...facts.markets] };
  },

  async preview({ files, settings }: { files: api.InputFile[]; settings: api.FileSettings[] }): Promise<api.Preview[]> {
    const { previewFile } = await import('./reading.ts');
    return Promise.all(files.map((file, i) => previewFile(file, settings[i] ?? {})));
  },

  async read(request: api.ReadRequest, options: Options) {
    const { readFiles } = await import('./reading.ts');
    const { markets, facts, titles: named } = await readFiles(request, options);
    titles = titleMap(named);
    forgetAlone();
    return keep(markets, facts);
  },

  async kinds(): Promise<api.KindFacts[]> {
    return (await import('./training.ts')).kindFacts();
  },

  async train(request: api.TrainRequest, options: Options): Promise<api.TrainResult> {
    const { trainModel } = await import('./training.ts');
    const { markets, facts } = readData();
    // the sample trains the same bytes as the command line does
    const kept = facts.isSample ? new Map() : titles;
    const { bytes, recommender, aloneRecommender, result } = await training(() =>
      trainModel(markets, kept, request, options),
    );
    recommender.close();
    const model = await openBytes(bytes, result.model);
    if (request.alone && aloneRecommender) alone.set(request.alone, aloneRecommender);
    return { ...result, model };
  },

  isTrainingElsewhere,

  /** Keeps the data for the next visit. */
  async remember(): Promise<void> {
    const { markets, facts } = readData();
    await (await import('./remembering.ts')).remember({ markets, facts, titles: [...titles.values()] });
  },

  /** Takes what an earlier visit kept; nothing where none was. */
  async recall(): Promise<api.DataFacts | undefined> {
    const kept = await (await import('./remembering.ts')).recall();
    if (!kept || data) return undefined;
    titles = titleMap([...titles.values(), ...kept.titles]);
    return keep(kept.markets, kept.facts);
  },

  forget: async (): Promise<void> => (await import('./remembering.ts')).forget(),

  recommend(query: api.Query): api.Answer {
    return answer(recommenderOf(query.market), query, { titles, together });
  },

  /** The market alone, and with the others. */
  async pair(query: api.Query): Promise<{ alone: api.Answer; others: api.Answer }> {
    const one = await aloneIn(query.market);
    const items = query.user === undefined ? query.items : methods.recommend(query).history;
    const own = answer(one, { ...query, user: undefined, items }, { titles, together });
    return { alone: own, others: methods.recommend(query) };
  },

  /** With fewer of the market's customers, alone and with the others. */
  async gain(market: string, options: Options): Promise<api.GainFacts> {
    const [{ gainIn }, { trainOptionsOf }] = await Promise.all([
      import('./gaining.ts'),
      import('../../train/options.ts'),
    ]);
    const { markets, facts } = readData();
    // the sample's own model takes seconds to train, the default a fraction of one
    const like = facts.isSample ? {} : trainOptionsOf(recommenderOf(market).model);
    return gainIn(markets, market, like, options);
  },

  popular: ({ market, k }: { market: string; k: number }) => popularOf(recommenderOf(market).model, market, k),

  similar({ market, item, k }: { market: string; item: string; k: number }) {
    return recommenderOf(market).similar({ market, item, k });
  },

  /** Every item of the model with its name: ids, titles and categories, a line each. */
  titles: (): string => titleLines((quick ?? opened().recommender).model, titles),

  itemsOf: (market: string) => itemsOf(recommenderOf(market).model, market),

  users({ market, begin, k }: { market: string; begin: string; k: number }): string[] {
    const { users = [] } = recommenderOf(market).model.markets.find(({ name }) => name === market) ?? {};
    const found: string[] = [];
    for (const user of users) if (user.startsWith(begin) && found.push(user) === k) break;
    return found;
  },

  /** Positions of a market's items in the plane; progress carries how far they have settled. */
  async map({ market }: { market: string }, options: Options): Promise<Drawn> {
    const { drawMap } = await import('./drawing.ts');
    const all = (quick ?? opened().recommender).model;
    const made = await drawMap(recommenderOf(market), all, market, options);
    return moving(made, [made.at.buffer, made.home.buffer]);
  },

  async models(): Promise<api.StoredFacts[]> {
    const kept = await (await models()).list();
    const facts = await readFacts();
    return kept.map((model) => ({ ...model, facts: facts[model.name] }));
  },

  async save(name: string): Promise<string> {
    const { bytes, facts } = opened();
    const { freeName } = await import('../../browser/store.ts');
    const where = await models();
    const free = await changing(async () => {
      let free = freeName(name, await where.list());
      for (;;) {
        try {
          await where.write(free, bytes);
          break;
        } catch (error) {
          // another tab may have taken the name meanwhile
          const next = freeName(name, await where.list());
          if (next === free) throw error;
          free = next;
        }
      }
      await writeFacts({ ...(await readFacts()), [free]: { ...facts, name: free } });
      return free;
    });
    open = { ...opened(), facts: { ...facts, name: free } };
    await hold(free);
    return free;
  },

  async open(from: { name: string } | { file: File }): Promise<api.ModelFacts> {
    if ('file' in from) return openBytes(new Uint8Array(await from.file.arrayBuffer()), { name: from.file.name });
    const bytes = await (await models()).read(from.name);
    const facts = await openBytes(bytes, { ...(await readFacts())[from.name], name: from.name });
    await hold(from.name);
    return facts;
  },

  async rename({ from, to }: { from: string; to: string }): Promise<void> {
    const isOpen = open?.facts.name === from;
    await unlessOpenElsewhere(from, isOpen, () =>
      changing(async () => {
        await (await models()).rename(from, to);
        const { [from]: facts, ...others } = await readFacts();
        if (facts) await writeFacts({ ...others, [to]: { ...facts, name: to } });
      }),
    );
    if (!isOpen) return;
    open = { ...opened(), facts: { ...opened().facts, name: to } };
    await hold(to);
  },

  async remove(name: string): Promise<void> {
    await unlessOpenElsewhere(name, open?.facts.name === name, () =>
      changing(async () => {
        await (await models()).remove(name);
        const { [name]: _, ...others } = await readFacts();
        await writeFacts(others);
      }),
    );
  },

  usage: async () => ({ kind: (await models()).kind, ...(await (await models()).usage()) }),

  async download(name?: string): Promise<Blob> {
    const bytes = name === undefined ? opened().bytes : await (await models()).read(name);
    return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' });
  },

  async variants({ measure }: { measure: boolean }, options: Options): Promise<api.Variant[]> {
    const { measuredVariants, variantsOf } = await import('./exporting.ts');
    const { recommender } = opened();
    return measure ? measuredVariants(recommender, readData().markets, options) : variantsOf(recommender.model);
  },

  async variant(id: api.Variant['id']): Promise<Blob> {
    const { exported } = await import('./exporting.ts');
    const bytes = encodeModel(exported(decodeModel(opened().bytes), id));
    return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' });
  },

  async compare({ a, b }: { a: string; b: string }, options: Options): Promise<api.Comparison[]> {
    const { comparisonOf, ranksOf } = await import('./measure.ts');
    const ranks = [];
    for (const name of [a, b]) {
      const recommender = await loadModel(await (await models()).read(name));
      try {
        ranks.push(await ranksOf(recommender, readData().markets, options));
      } finally {
        recommender.close();
      }
    }
    return comparisonOf(ranks[0], ranks[1]);
  },

  /** Rows of all customers of a market, in parts of a file; `next` of the call before says where to go on, −1 at the end. */
  async batch(request: { market: string; k: number; format: 'csv' | 'jsonl'; from: number }) {
    return (await import('./batch.ts')).batchPart(opened(), request);
  },

  endBatch: async (): Promise<void> => (await import('./batch.ts')).endBatch(),

  async device(): Promise<api.DeviceFacts> {
    const { threadsHere } = await import('./training.ts');
    return { store: (await models()).kind, ...threadsHere() };
  },

  inspect: (): ReturnType<typeof inspectModel> => inspectModel(opened().bytes),
};

export type AppMethods = typeof methods;

async function fetchBytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new ArgumentError('model', `a response with status ${response.status}`, url);
  return new Uint8Array(await response.arrayBuffer());
}

async function readFacts(): Promise<Record<string, api.ModelFacts>> {
  const { get } = await import('idb-keyval');
  return (await get<Record<string, api.ModelFacts>>(FACTS).catch(() => undefined)) ?? {};
}

async function writeFacts(facts: Record<string, api.ModelFacts>): Promise<void> {
  const { set } = await import('idb-keyval');
  // what was measured is a convenience: a host without IndexedDB keeps the models all the same
  await set(FACTS, facts).catch(() => {});
}

serveCalls(self as unknown as MessagePort, methods);
