// Training in the worker: the kind that was chosen, what it finds of held-out purchases beside simple models, and one market
// alone.
import type { CallOptions } from '../../browser/calls.ts';
import type { Markets } from '../../data/markets.ts';
import { encodeModel } from '../../model/file.ts';
import type { Model } from '../../model/model.ts';
import { loadModel } from '../../models/load.ts';
import { defaultOf, type OptionSpec } from '../../models/options.ts';
import { KINDS } from '../../models/registry.ts';
import type { Recommender } from '../../recommend/recommender.ts';
import type { Workers } from '../../threads/pool.ts';
import type { TrainOptions } from '../../train/options.ts';
import { type TrainJobOptions, train } from '../../train/train.ts';
import { webWorkers } from '../../workers.ts';
import type { KindFacts, ModelFacts, OptionFacts, TrainRequest, TrainResult } from './api.ts';
import { holdOneOut } from './hold-out.ts';
import { measuredOf, type Ranks, ranksOf } from './measure.ts';

const workers: Workers = webWorkers(new URL('./thread.js', self.location.href));

export function threadsHere(): { threads: number; threadsReason?: string } {
  const { threads, reason } = workers.available();
  return { threads, threadsReason: reason };
}

/** The kinds of the registry, as the page shows them. */
export function kindFacts(): KindFacts[] {
  return KINDS.map(({ name, title, options }) => {
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

/**
 * Trains what was asked for, and where rows are held out, EASE and best sellers beside it.
 *
 * @throws AbortedError when stopped; MemoryError where it does not fit.
 */
export async function trainModel(
  markets: Markets,
  request: TrainRequest,
  { onProgress, signal }: Required<CallOptions>,
) {
  const start = performance.now();
  const stages: TrainResult['stages'] = [];
  const notes: string[] = [];
  const hasHeldOut = markets.markets.some(({ heldOut }) => Object.values(heldOut).some((rows) => rows.length > 0));
  const data = !hasHeldOut && request.holdOut ? holdOneOut(markets) : markets;
  const options = {
    model: request.kind,
    ...(request.preset && { preset: request.preset }),
    ...request.options,
  } as TrainOptions;
  const job: TrainJobOptions = {
    onProgress,
    signal,
    workers,
    onNote: (note) => notes.push(note),
    onStage: ({ stage, seconds, peakBytes }) => stages.push({ stage, seconds, peakBytes }),
  };
  const model = await train(data, { ...options, ...job });
  const bytes = encodeModel(model);
  const seconds = (performance.now() - start) / 1000;
  const recommender = await loadModel(bytes);

  const ranks: Record<string, Ranks> = {};
  let aloneRecommender: Recommender | undefined;
  if (data !== markets || hasHeldOut) {
    const quiet = { signal };
    ranks.model = await ranksOf(recommender, data, quiet);
    for (const kind of ['ease', 'popularity'] as const) {
      if (kind === request.kind) continue;
      const other = await loadModel(encodeModel(await train(data, { model: kind, ...quiet, workers })));
      ranks[kind] = await ranksOf(other, data, quiet);
      other.close();
    }
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
    result: { seconds, stages, notes, measured, model: { gain: gainOf(measured) } },
  };
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

/** The same kind of model from one market's purchases only. */
export async function trainAlone(
  markets: Markets,
  market: string,
  like: Pick<Model, 'kind' | 'training'>,
  signal?: AbortSignal,
): Promise<Recommender> {
  const options = (like.training.options ?? {}) as TrainOptions;
  const one = markets.markets.find(({ name }) => name === market)!;
  const items = Array.from(one.items, (item) => markets.items[item]);
  const only: Markets = { items, markets: [{ ...one, items: Int32Array.from(one.items.keys()) }] };
  return loadModel(encodeModel(await train(only, { ...options, model: like.kind as never, signal, workers })));
}
