import { ArgumentError, checkCallback, checkObject, MemoryError } from '../common/errors.ts';
import { Job, type JobOptions } from '../common/job.ts';
import { checkMarkets, type Market, type Markets } from '../data/markets.ts';
import { type Adaptation, adapt } from '../embedding/adapt.ts';
import { PANEL, skipgram } from '../embedding/skipgram.ts';
import { makeWalks } from '../embedding/walks.ts';
import { plus } from '../engine/address.ts';
import type { Kernels } from '../engine/instantiate.ts';
import { formatBytes } from '../engine/memory.ts';
import { combine } from '../matrix/combine.ts';
import { gram } from '../matrix/gram.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { emptyMatrix, identity, tailor } from '../matrix/tailor.ts';
import { tileValues } from '../matrix/tiles.ts';
import { transpose } from '../matrix/transpose.ts';
import type { MarketModel, Model } from '../model/model.ts';
import { conjugateEase } from '../similarity/conjugate.ts';
import { easeWithInverse } from '../similarity/ease.ts';
import { rp3beta } from '../similarity/rp3beta.ts';
import { checkThreads, type ThreadOptions, withKernels } from '../threads/pool.ts';
import { linearWeights, type ResolvedOptions, resolveOptions, type TrainOptions } from './options.ts';

/** What a finished stage reports. */
export interface StageReport {
  stage: string;
  seconds: number;
  /** The stage's last mean loss, where it has one. */
  loss?: number;
  /** Most bytes of linear memory in use at once during the stage. */
  peakBytes: number;
  detail: string;
}

export interface TrainJobOptions extends TrainOptions, JobOptions, ThreadOptions {
  onStage?: (report: StageReport) => void;
  /** Keeps what `update` needs, the inverses behind the EASE terms: about 2 n² bytes each. Nothing else differs. */
  updatable?: boolean;
  /** Hears, as a stage starts, what it will do otherwise than usual and why. */
  onNote?: (note: string) => void;
}

/** Items up to which EASE is exact unless it is told otherwise: the dense way takes 8 · 10¹² operations for them, and 0.8 GB. */
export const EXACT_ITEMS = 20_000;

/** Bytes of inverses that a model file holds: files of 2 GiB are what every host can still read. */
const MAX_INVERSE_BYTES = 1.9e9;

/** Steps of Adam in the skip-gram stage: each costs four sparse products with B, so more walks make larger steps. */
export const SKIPGRAM_STEPS = 240;

/**
 * Trains a model on all markets together. The same markets, seed and options give the same model, bit for bit, on any number of
 * threads.
 *
 * @throws ArgumentError for an option out of its range; MemoryError, before the work starts, where a stage cannot fit in 4 GiB;
 * WorkerError where a thread fails; AbortedError when the signal stops it.
 */
export async function train(markets: Markets, options: TrainJobOptions = {}): Promise<Model> {
  const {
    onProgress,
    signal,
    onStage,
    onNote,
    kernels: source,
    threads,
    workers,
    onThreads,
    updatable = false,
    ...given
  } = checkObject('options', options) as TrainJobOptions;
  const resolved = resolveOptions(given);
  checkCallback('onStage', onStage);
  checkCallback('onNote', onNote);
  checkThreads({ threads, workers, onThreads });
  checkMarkets(markets);
  if (markets.markets.length === 0) throw ArgumentError.because('markets', 'there are none; at least one is needed');
  if (updatable) checkUpdatable(markets, resolved);
  const job = new Job({ onProgress, signal });
  const model: Model = {
    kind: resolved.model,
    dim: 0,
    items: markets.items,
    training: { options: resolved, stages: [] },
    markets: [],
  };
  if (resolved.model === 'popularity')
    return {
      ...model,
      markets: markets.markets.map((market) => ({
        ...known(market),
        bias: Float32Array.from(popularity(market.interactions)),
      })),
    };

  return withKernels({ kernels: source, threads, workers, onThreads }, async (kernels) => {
    const run = new Run(kernels, job, resolved, onStage, onNote, updatable);
    model.training.stages = run.facts;
    const interactions = mergeInteractions(markets);
    const transposed = transpose(kernels, interactions);
    const intra = resolved.model === 'ease' || (resolved.without !== 'intra' && resolved.without !== 'both');
    const { similarity: merged, inverse } = intra
      ? await run.ease(interactions, transposed, MERGED_STAGE)
      : { similarity: emptyMatrix(interactions.cols), inverse: undefined };
    if (resolved.model === 'ease')
      return {
        ...model,
        inverse,
        markets: markets.markets.map((market) => ({
          ...known(market),
          linear: tailor(merged, market.items),
          linearWeight: 1,
        })),
      };

    return {
      ...model,
      inverse,
      dim: resolved.dim,
      markets: await m3rec(run, markets, interactions, transposed, merged),
    };
  });
}

/** Stages 2 and 3, and the linear scores of the preset. */
async function m3rec(
  run: Run,
  markets: Markets,
  interactions: SparsePattern,
  transposed: SparsePattern,
  merged: SparseMatrix,
): Promise<MarketModel[]> {
  const { kernels, job, options } = run;
  const { exports, memory } = kernels;
  const intra = options.without !== 'intra' && options.without !== 'both';
  const inter = options.without !== 'inter' && options.without !== 'both';

  let global: Float32Array | undefined;
  if (inter) {
    const similarity = intra ? normalised(kernels, merged) : emptyMatrix(merged.rows);
    const walks = await run.stage('walks', async () => {
      const made = await makeWalks(kernels, interactions, transposed, options, job);
      return { value: made, fact: { walks: made.length / options.walkLength } };
    });
    global = await run.stage('skip-gram', async () => {
      const { vectors, loss } = await skipgram(
        kernels,
        walks,
        similarity,
        { ...options, learningRate: options.walkLearningRate, steps: SKIPGRAM_STEPS },
        job,
      );
      return { value: vectors, fact: { loss } };
    });
  }

  const inputs = markets.markets.map((market) => ({
    interactions: market.interactions,
    similarity: intra ? normalised(kernels, tailor(merged, market.items)) : identity(market.items.length),
    global: global && rowsOf(global, market.items, options.dim),
  }));
  const adapted = await run.stage('adaptation', async () => {
    const { markets: learned, loss } = await adapt(kernels, inputs, options, job);
    return { value: learned, fact: { loss } };
  });

  const { mix } = options;
  let walkScores: SparseMatrix | undefined;
  if (mix && mix.walk > 0) {
    walkScores = await run.stage('walk scores', async () => {
      const matrix = await rp3beta(
        kernels,
        interactions,
        transposed,
        { beta: options.rp3beta, threshold: options.rp3Threshold },
        job,
      );
      return { value: matrix, fact: { entries: matrix.values.length } };
    });
  }
  const models: MarketModel[] = [];
  for (const [index, market] of markets.markets.entries()) {
    const own =
      mix && mix.market > 0
        ? await run.ease(market.interactions, transpose(kernels, market.interactions), marketStage(market.name))
        : undefined;
    const linear = linearScores(market.items, linearWeights(options), {
      merged,
      market: own?.similarity,
      walk: walkScores,
    });
    models.push({
      ...known(market),
      ...vectorsOf(inputs[index].similarity, adapted[index]),
      inverse: own?.inverse,
      linear,
      linearWeight: linear ? 1 : 0,
      cosineWeight: mix?.cosine ?? 1,
    });
  }
  return models;

  /** P = B V and the unit rows of V. */
  function vectorsOf(similarity: SparseMatrix, { vectors, userVectors }: Adaptation) {
    const { dim } = options;
    const mark = memory.mark();
    const n = similarity.rows;
    const v = memory.put(vectors);
    const p = memory.allocate(4 * n * dim);
    const panels = memory.allocate(4 * n * dim);
    exports.cutColumns(0, n, n, dim, v, panels);
    const [indptr, indices, values] = [
      memory.put(similarity.indptr),
      memory.put(similarity.indices),
      memory.put(similarity.values),
    ];
    for (let c = 0; c < dim; c += PANEL)
      exports.propagate(0, n, indptr, indices, values, plus(panels, 4 * n * c), plus(p, 4 * c), 4 * dim, 0);
    exports.unitRows(n, dim, v, v, memory.allocate(4 * n));
    const result = { foldIn: memory.f32(p, n * dim).slice(), vectors: memory.f32(v, n * dim).slice(), userVectors };
    memory.release(mark);
    return result;
  }
}

export const MERGED_STAGE = 'similarity of all markets';
export const marketStage = (market: string) => `similarity of ${market}`;

/** S of a market from its terms: B̂ and RP3β over all items, B̂_m over its own. Undefined where no term has a weight. */
export function linearScores(
  items: Int32Array,
  weights: ReturnType<typeof linearWeights>,
  { merged, market, walk }: { merged?: SparseMatrix; market?: SparseMatrix; walk?: SparseMatrix },
): SparseMatrix | undefined {
  const terms: { weight: number; matrix: SparseMatrix }[] = [];
  if (merged && weights.merged > 0) terms.push({ weight: weights.merged, matrix: tailor(merged, items) });
  if (market) terms.push({ weight: weights.market, matrix: market });
  if (walk) terms.push({ weight: weights.walk, matrix: tailor(walk, items) });
  return terms.length > 0 ? combine(items.length, terms) : undefined;
}

/** Whether `update` could do anything for the model, and whether a file can hold what it needs. */
function checkUpdatable({ items, markets }: Markets, options: ResolvedOptions): void {
  const { merged, market, walk } = linearWeights(options);
  if (options.model === 'm3rec' && merged + market + walk === 0)
    throw ArgumentError.because(
      'updatable',
      'only a model with linear scores (ease, or preset default) can be updated; this one would score by its vectors alone',
    );
  if (options.easeSolver === 'iterative')
    throw new ArgumentError(
      'easeSolver',
      'iterative',
      'exact or auto for an updatable model: an update goes on from the exact inverse',
    );
  let bytes = merged > 0 ? 4 * tileValues(items.length) : 0;
  if (market > 0) for (const each of markets) bytes += 4 * tileValues(each.items.length);
  if (bytes > MAX_INVERSE_BYTES)
    throw new MemoryError(
      `the inverses of an updatable model take ${formatBytes(bytes)}, and a model file can hold ${formatBytes(MAX_INVERSE_BYTES)}`,
    );
}

/** Facts that are no counts, and are said otherwise. */
const UNCOUNTED = new Set(['loss', 'core', 'residual']);

/** One run over the stages: its kernels, and the stages' reports. */
export class Stages {
  /** What the stages found, without times or memory, for the model file. */
  readonly facts: Record<string, unknown>[] = [];

  constructor(
    readonly kernels: Kernels,
    private readonly onStage?: (report: StageReport) => void,
  ) {}

  async stage<T>(
    stage: string,
    work: () => Promise<{ value: T; fact: Record<string, number>; note?: string }>,
  ): Promise<T> {
    this.kernels.memory.resetPeak();
    const start = performance.now();
    const { value, fact, note } = await work();
    this.facts.push({ stage, ...fact });
    const counts = Object.entries(fact)
      .filter(([name]) => !UNCOUNTED.has(name))
      .map(([name, count]) => `${count.toLocaleString('en-US')} ${name}`)
      .join(', ');
    const detail = note ? `${counts}; ${note}` : counts;
    this.onStage?.({
      stage,
      seconds: (performance.now() - start) / 1000,
      loss: fact.loss,
      peakBytes: this.kernels.memory.peak,
      detail,
    });
    return value;
  }
}

/** One training run. */
class Run extends Stages {
  constructor(
    kernels: Kernels,
    readonly job: Job,
    readonly options: ResolvedOptions,
    onStage: ((report: StageReport) => void) | undefined,
    private readonly onNote: ((note: string) => void) | undefined,
    private readonly updatable: boolean,
  ) {
    super(kernels, onStage);
  }

  /** Stage 1 on one set of interactions: B̂ filtered, rows not normalised; in an updatable model with the inverse behind it. */
  ease(
    interactions: SparsePattern,
    transposed: SparsePattern,
    stage: string,
  ): Promise<{ similarity: SparseMatrix; inverse?: Float32Array }> {
    const { lambdaF: lambda, epsilon } = this.options;
    const { exact, why } = this.solver(interactions.cols);
    return this.stage<{ similarity: SparseMatrix; inverse?: Float32Array }>(stage, async () => {
      if (exact) {
        const { way, ...value } = await easeWithInverse(
          this.kernels,
          gram(this.kernels, interactions, transposed),
          { lambda, epsilon },
          this.job,
          stage,
          this.updatable,
        );
        const fact: Record<string, number> = { items: value.similarity.rows, entries: value.similarity.values.length };
        return { value, fact, note: `exact, ${way} (${why})` };
      }
      this.onNote?.(`${stage}: by conjugate gradients, ${why}`);
      const { similarity, core, steps, residual } = await conjugateEase(
        this.kernels,
        interactions,
        transposed,
        { lambda, epsilon },
        this.job,
        stage,
      );
      const fact: Record<string, number> = {
        items: similarity.rows,
        entries: similarity.values.length,
        core,
        residual,
      };
      const found = `${steps.toFixed(1)} steps a column of the tail, entries off by about ${residual.toExponential(1)}`;
      return {
        value: { similarity },
        fact,
        note: `conjugate gradients beside an exact core of ${core.toLocaleString('en-US')} (${why}): ${found}`,
      };
    });
  }

  /** Whether B̂ of so many items is worked out exactly, and why so: a matter of their number alone, unless it was asked for. */
  private solver(items: number): { exact: boolean; why: string } {
    const count = items.toLocaleString('en-US');
    const limit = EXACT_ITEMS.toLocaleString('en-US');
    if (this.options.easeSolver) return { exact: this.options.easeSolver === 'exact', why: 'as asked' };
    if (items <= EXACT_ITEMS) return { exact: true, why: `no more than ${limit} items` };
    if (this.updatable) return { exact: true, why: 'an updatable model needs the inverse' };
    return { exact: false, why: `${count} items are over the ${limit} that are solved exactly` };
  }
}

/** What every model knows of a market. */
export function known(market: Market): MarketModel {
  return {
    name: market.name,
    items: market.items,
    popularity: popularity(market.interactions),
    users: market.users,
    seenItems: market.interactions,
    linearWeight: 0,
    linearPower: 0,
    cosineWeight: 0,
  };
}

/** Users per item. */
export function popularity(interactions: SparsePattern): Uint32Array {
  const counts = new Uint32Array(interactions.cols);
  for (const item of interactions.indices) counts[item]++;
  return counts;
}

/** X (|U| × |V|): the markets' users one after the other, over the union of the items. */
export function mergeInteractions({ items, markets }: Markets): SparsePattern {
  const rows = markets.reduce((sum, market) => sum + market.interactions.rows, 0);
  const entries = markets.reduce((sum, market) => sum + market.interactions.indices.length, 0);
  const indptr = new Int32Array(rows + 1);
  const indices = new Int32Array(entries);
  let row = 0;
  let filled = 0;
  for (const market of markets) {
    // positions in `items` rise, so a row's columns stay in order
    for (let e = 0; e < market.interactions.indices.length; e++)
      indices[filled + e] = market.items[market.interactions.indices[e]];
    for (let user = 1; user <= market.interactions.rows; user++)
      indptr[++row] = filled + market.interactions.indptr[user];
    filled += market.interactions.indices.length;
  }
  return { rows, cols: items.length, indptr, indices };
}

/** A copy with rows that sum to 1 (empty rows stay empty). */
function normalised({ exports, memory }: Kernels, matrix: SparseMatrix): SparseMatrix {
  const mark = memory.mark();
  const indptr = memory.put(matrix.indptr);
  const values = memory.put(matrix.values);
  exports.normaliseRows(matrix.rows, indptr, values);
  const result = { ...matrix, values: memory.f32(values, matrix.values.length).slice() };
  memory.release(mark);
  return result;
}

/** The rows of a table of d columns. */
function rowsOf(table: Float32Array, rows: Int32Array, dim: number): Float32Array {
  const out = new Float32Array(rows.length * dim);
  for (let i = 0; i < rows.length; i++) out.set(table.subarray(rows[i] * dim, (rows[i] + 1) * dim), i * dim);
  return out;
}
