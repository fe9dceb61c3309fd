// Training in the worker: the kind that was chosen, what it finds of held-out purchases beside simple models, and one market
// alone.
import type { CallOptions } from '../../browser/calls.ts';
import type { Progress } from '../../common/job.ts';
import type { Markets } from '../../data/markets.ts';
import type { Model } from '../../model/model.ts';
import { encodeModel } from '../../models/file.ts';
import { withItemData } from '../../models/item-data.ts';
import { loadModel } from '../../models/load.ts';
import { defaultOf, type OptionSpec } from '../../models/options.ts';
import { KINDS } from '../../models/registry.ts';
import type { Recommender } from '../../recommend/recommender.ts';
import type { Workers } from '../../threads/pool.ts';
import { workersMadeBy } from '../../threads/web-workers.ts';
import { type TrainOptions, trainOptionsOf } from '../../train/options.ts';
import { type TrainJobOptions, train } from '../../train/train.ts';
import { scriptUrl } from '../script-url.ts';
import type { KindFacts, ModelFacts, OptionFacts, Title, TrainProgress, TrainRequest, TrainResult } from './api.ts';
import { holdOneOut } from './hold-out.ts';
import { comparisonOf, measuredOf, type Ranks, ranksOf } from './measure.ts';

const beside = (file: string) => new URL(file, self.location.href);
/** Threads of this page. */
export const workers: Workers = workersMadeBy(
  () => beside('kernels-threads.wasm'),
  () => new Worker(scriptUrl(beside('thread.js')), { type: 'module' }),
);

export function threadsHere(): { threads: number; threadsReason?: string } {
  const { threads, reason } = workers.available();
  return { threads, threadsReason: reason };
}

/** The kinds of the registry, as the page shows them: those that answer for a basket. */
export function kindFacts(): KindFacts[] {
  return KINDS.filter(({ foldsIn }) => foldsIn).map(({ name, title, options }) => {
    const table = options as Record<string, OptionSpec>;
    const { preset, ...others } = table;
    const presets = preset?.type === 'choice' ? [...preset.choices] : [];
    return {
      name,
      sentence: `${title}.`,
      presets,
      options: Object.entries(others).map(([option, spec]) => optionFacts(option, spec, presets)),
    };
  });
}

function optionFacts(name: string, spec: OptionSpec, presets: readonly string[]): OptionFacts {
  const defaults = Object.fromEntries(
    (presets.length > 0 ? presets : ['']).map((preset) => [preset, defaultOf(spec, preset)]),
  );
  const sentence = `${spec.text}.`;
  if (spec.type === 'choice') return { name, sentence, type: 'choice', choices: [...spec.choices], defaults };
  const { min, max, integer } = spec;
  return { name, sentence, type: integer ? 'integer' : 'number', min, max, defaults };
}

/** What is known of items, as the model keeps it. */
const propertiesOf = (titles: ReadonlyMap<string, Title>) =>
  new Map(
    Array.from(titles.values(), ({ id, title, category, image }) => [
      id,
      { ...(title && { title }), ...(category && { category }), ...(image && { image }) },
    ]),
  );

/**
 * Trains what was asked for, and where rows are held out, EASE and best sellers beside it.
 *
 * @param titles kept in the model; @throws AbortedError when stopped; MemoryError where it does not fit.
 */
export async function trainModel(
  markets: Markets,
  titles: ReadonlyMap<string, Title>,
  request: TrainRequest,
  { onProgress, signal }: Required<CallOptions>,
) {
  const start = performance.now();
  const stages: TrainResult['stages'] = [];
  const notes: string[] = [];
  let peakBytes = 0;
  const report = (progress: Progress) => onProgress({ ...progress, peakBytes } as TrainProgress);
  const hasHeldOut = markets.markets.some(({ heldOut }) => Object.values(heldOut).some((rows) => rows.length > 0));
  const data = !hasHeldOut && request.holdOut ? holdOneOut(markets) : markets;
  const options = {
    model: request.kind,
    ...(request.preset && { preset: request.preset }),
    ...request.options,
  } as TrainOptions;
  const job: TrainJobOptions = {
    onProgress: report,
    signal,
    workers,
    onNote: (note) => notes.push(note),
    onStage: ({ stage, seconds, peakBytes: bytes }) => {
      stages.push({ stage, seconds, peakBytes: bytes });
      peakBytes = Math.max(peakBytes, bytes);
    },
  };
  const trained = await train(data, { ...options, ...job });
  const model = titles.size > 0 ? withItemData(trained, propertiesOf(titles)) : trained;
  const bytes = encodeModel(model);
  const seconds = (performance.now() - start) / 1000;
  const recommender = await loadModel(bytes);

  const ranks: Record<string, Ranks> = {};
  let aloneRecommender: Recommender | undefined;
  if (data !== markets || hasHeldOut) {
    const quiet = { signal };
    const others = (['ease', 'popularity'] as const).filter((kind) => kind !== request.kind);
    const measuring = (done: number) => report({ stage: 'measuring', id: 'measure', done, total: others.length + 2 });
    measuring(0);
    ranks.model = await ranksOf(recommender, data, quiet);
    for (const [done, kind] of others.entries()) {
      measuring(done + 1);
      const other = await loadModel(encodeModel(await train(data, { model: kind, ...quiet, workers })));
      ranks[kind] = await ranksOf(other, data, quiet);
      other.close();
    }
    measuring(others.length + 1);
  }
  if (request.alone) {
    aloneRecommender = await trainAlone(data, request.alone, model, signal);
    if (ranks.model) ranks.alone = await ranksOf(aloneRecommender, data, { signal });
  }
  const measured = Object.fromEntries(Object.entries(ranks).map(([name, rows]) => [name, measuredOf(rows)]));
  return {
    bytes,
    recommender,
    aloneRecommender,
    result: {
      seconds,
      stages,
      notes,
      measured,
      model: { gain: gainOf(measured) },
      ...(ranks.alone && request.alone && { versusAlone: versusOf(ranks.alone, ranks.model, request.alone) }),
    },
  };
}

/** What the other markets add in one, on the same rows. */
function versusOf(alone: Ranks, all: Ranks, market: string): TrainResult['versusAlone'] {
  const [before, after] = [alone, all].map(
    (ranks) => measuredOf(ranks).find((each) => each.market === market)?.hr ?? 0,
  );
  const error = comparisonOf(alone, all).find((each) => each.market === market)?.error ?? 0;
  return { market, before, after, error: error / 100 };
}

/** Mean gain in HR@10 over best sellers, in points. */
function gainOf(measured: TrainResult['measured']): ModelFacts['gain'] {
  const { model = [], popularity = [] } = measured;
  if (model.length === 0 || popularity.length === 0) return undefined;
  const base = new Map(popularity.map((each) => [each.market, each]));
  let [points, squares] = [0, 0];
  for (const { market, hr, errors } of model) {
    const other = base.get(market)!;
    points += (100 * (hr - other.hr)) / model.length;
    squares += (errors.hr ** 2 + other.errors.hr ** 2) * (100 / model.length) ** 2;
  }
  return { points, error: Math.sqrt(squares) };
}

/** A model of all markets that takes about a second. */
export async function trainQuick(markets: Markets, { signal }: { signal: AbortSignal }): Promise<Recommender> {
  return loadModel(encodeModel(await train(markets, { model: 'ease', signal, workers })));
}

/** The same kind of model from one market's purchases only. */
export async function trainAlone(
  markets: Markets,
  market: string,
  like: Pick<Model, 'kind' | 'training'>,
  signal?: AbortSignal,
): Promise<Recommender> {
  const one = markets.markets.find(({ name }) => name === market)!;
  const items = Array.from(one.items, (item) => markets.items[item]);
  const only: Markets = { items, markets: [{ ...one, items: Int32Array.from(one.items.keys()) }] };
  return loadModel(encodeModel(await train(only, { ...trainOptionsOf(like), signal, workers })));
}
