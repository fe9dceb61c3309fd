// How a training is cut. A stage that is solved by groups becomes jobs for ranges of items, and each market's chain is
// independent of the others; what is left is one job, the training itself, which takes up the values of these stages.
import { ArgumentError } from '../../common/errors.ts';
import type { Markets } from '../../data/markets.ts';
import { adaptationPlaces } from '../../embedding/adapt.ts';
import type { SparsePattern } from '../../matrix/sparse.ts';
import { mergeInteractions } from '../../models/interactions.ts';
import { chooseSolver, shapeOf } from '../../models/intra.ts';
import type { ModelKind } from '../../models/kind.ts';
import { linearWeightsOf, type M3RecOptions, similaritiesOf } from '../../models/m3rec/options.ts';
import { dimOf } from '../../models/transfer/kind.ts';
import type { TransferOptions } from '../../models/transfer/options.ts';
import { othersOf } from '../../models/transfer/others.ts';
import { SYSTEMS } from '../../models/transfer/stages.ts';
import { resolveKind, type TrainOptions } from '../../train/options.ts';
import { type DataBlobs, putMarkets } from '../data-blobs.ts';
import { adaptJob, embeddingJob } from '../jobs/m3rec.ts';
import { joinJob, nearestJob, orderJob, type SimilarityParams, solveJob } from '../jobs/similarity.ts';
import { type KnownStage, trainJob } from '../jobs/train.ts';
import { marketJob, vectorsJob } from '../jobs/transfer.ts';
import { type Input, type Plan, PlanBuilder } from '../plan.ts';
import type { Store } from '../store.ts';

/** What `planTraining` takes besides the options of a model. */
export interface PlanTrainingOptions {
  updatable?: boolean;
  selectBy?: string;
  /** Items whose columns one job makes. No other effect than on how well many machines are used. */
  jobItems?: number;
}

/**
 * Seconds of one thread, about: an item's system, a step from an item over a user to another item, a number of a
 * vector,
 * a number of a vector of the skip-gram, an interaction in an epoch of the adaptation, an interaction in the last job,
 * and what any job takes besides.
 */
const SYSTEM_SECONDS = 4e-4;
const STEP_SECONDS = 3e-9;
const VECTOR_SECONDS = 2e-6;
const PAIR_SECONDS = 1e-5;
const ADAPT_SECONDS = 8e-6;
const LAST_SECONDS = 2e-5;
const JOB_SECONDS = 0.05;

/**
 * Cuts a training into jobs, and puts its data into the store. The model file that the last job gives is, byte for
 * byte,
 * `encodeModel(await train(markets, options))`.
 * @param build version of the package
 * @throws ArgumentError as `train`.
 * @example
 * const store = await new Store(new FolderFiles('shop.store')).open();
 * const plan = await planTraining(store, markets, { seed: 1 }, {}, '1.0.0');
 * plan.jobs.at(-1).kind; // → 'train'
 */
export async function planTraining(
  store: Store,
  markets: Markets,
  options: TrainOptions,
  { updatable, selectBy, jobItems = 1000 }: PlanTrainingOptions,
  build: string,
): Promise<Plan> {
  const { kind, resolved } = resolveKind(options) as { kind: ModelKind; resolved: unknown };
  if (markets.markets.length === 0) throw ArgumentError.because('markets', 'there are none; at least one is needed');
  const data = await putMarkets(store, markets, selectBy !== undefined);
  const cut = new Cutter(new PlanBuilder(), markets, data, jobItems);
  if (updatable) cut.plan.notes.push('an updatable model needs exact inverses, which are one job');
  else if (kind.name === 'transfer') cut.transfer(resolved as TransferOptions);
  else if (kind.name === 'ease' || kind.name === 'm3rec') cut.intra(kind.name, resolved as M3RecOptions);
  else cut.plan.notes.push(`a ${kind.name} model is trained by one job: its steps follow each other`);
  cut.plan.add(
    trainJob,
    {
      model: kind.name,
      options: options as Record<string, unknown>,
      markets: data.markets.map(({ name, heldOut }) => ({ name, ...(heldOut && { heldOut: true }) })),
      known: cut.known,
      ...(updatable && { updatable }),
      ...(selectBy !== undefined && { selectBy }),
    },
    [
      data.items,
      ...data.markets.flatMap(({ rows, users, heldOut }) => [rows, users, ...(heldOut ? [heldOut] : [])]),
      ...cut.values,
    ],
    cut.rest,
  );
  return cut.plan.finish('train', build);
}

class Cutter {
  readonly known: KnownStage[] = [];
  readonly values: Input[] = [];
  /** Cost of what the last job does. */
  rest: number;
  private readonly all: string[];

  constructor(
    readonly plan: PlanBuilder,
    private readonly markets: Markets,
    data: DataBlobs,
    private readonly jobItems: number,
  ) {
    this.all = data.markets.map(({ rows }) => rows);
    this.rest = LAST_SECONDS * markets.markets.reduce((sum, { interactions }) => sum + interactions.indices.length, 0);
  }

  transfer(options: TransferOptions): void {
    const { markets, all } = this;
    const { lambda, othersLambda, epsilon, borrow, closest, shrinkage, seed } = options;
    const items = markets.items.length;
    const dim = dimOf(markets, options);
    if (dim > 0)
      this.add(
        { stage: 'item vectors', type: 'vectors' },
        this.plan.add(vectorsJob, { items, dim, seed }, all, JOB_SECONDS + VECTOR_SECONDS * dim * items),
      );
    const othersOfMarket = othersOf(markets);
    for (const [number, { name, interactions: X }] of markets.markets.entries()) {
      const others = othersOfMarket(number);
      const names = new Set(others.sources.map(({ market }) => market));
      const sharing = markets.markets.flatMap((market, other) => (names.has(market.name) ? [all[other]] : []));
      let prior: Input | undefined;
      if (borrow > 0 && others.X.rows > 0) {
        const columns = this.solve(
          { scope: 'others', count: 1 + sharing.length, items, systems: { ...SYSTEMS, lambda: othersLambda, epsilon } },
          others.X,
          [all[number], ...sharing],
        );
        prior = this.plan.add(joinJob, { items: X.cols }, columns, JOB_SECONDS);
        this.add({ stage: `similarity elsewhere, for ${name}`, type: 'matrix' }, prior);
      }
      const own = this.solve(
        { scope: 'own', count: 1, items, systems: { ...SYSTEMS, lambda, epsilon }, ...(prior && { strength: borrow }) },
        X,
        [all[number], ...(prior ? [prior] : [])],
      );
      this.add(
        { stage: `similarity of ${name}`, type: 'market' },
        this.plan.add(
          marketJob,
          { items, closest, shrinkage },
          [all[number], ...own],
          JOB_SECONDS + STEP_SECONDS * steps(X),
        ),
      );
    }
  }

  intra(kind: string, options: M3RecOptions): void {
    const { markets, all } = this;
    const { intra } = kind === 'ease' ? { intra: true } : similaritiesOf(options);
    const weights = kind === 'ease' ? { market: 0 } : linearWeightsOf(options);
    if (chooseSolver(options, false).exact) {
      this.plan.notes.push('exact EASE is one job: its inverse would wait for the network longer than it computes');
      return;
    }
    const items = markets.items.length;
    const systems = { ...shapeOf(options), lambda: options.lambdaF, epsilon: options.epsilon };
    const join = (scope: 'own' | 'merged', X: SparsePattern, inputs: Input[], stage: string): Input => {
      const columns = this.solve({ scope, count: inputs.length, items, systems }, X, inputs);
      const matrix = this.plan.add(joinJob, { items: X.cols }, columns, JOB_SECONDS);
      this.add({ stage, type: 'intra' }, matrix);
      return matrix;
    };
    const merged = intra ? join('merged', mergeInteractions(markets), all, 'similarity of all markets') : undefined;
    if (weights.market > 0)
      for (const [number, { name, interactions }] of markets.markets.entries())
        join('own', interactions, [all[number]], `similarity of ${name}`);
    if (kind === 'm3rec') this.vectors(options, merged);
  }

  /** The vectors of a training of kind m3rec, and their adaptation to each market. */
  private vectors(options: M3RecOptions, merged: Input | undefined): void {
    const { markets, all } = this;
    const items = markets.items.length;
    const { inter } = similaritiesOf(options);
    const shared = { items, options: options as unknown as Record<string, unknown> };
    const similarity = merged ? [merged] : [];
    let vectors: Input[] = [];
    if (inter) {
      const cost = JOB_SECONDS + PAIR_SECONDS * options.dim * items;
      const [job] = this.plan.add(embeddingJob, { ...shared, count: all.length }, [...all, ...similarity], cost, 2);
      this.add({ stage: 'walks', type: 'walks' }, [job, 0]);
      vectors = [[job, 1]];
      this.add({ stage: 'skip-gram', type: 'learned' }, vectors[0]);
    }
    const places = adaptationPlaces(
      markets.markets.map(({ interactions }) => interactions),
      options,
    );
    this.known.push({ stage: 'adaptation', type: 'adapted' });
    for (const [number, { interactions }] of markets.markets.entries())
      this.values.push(
        this.plan.add(
          adaptJob,
          { ...shared, place: places[number], intra: merged !== undefined, inter },
          [all[number], ...similarity, ...vectors],
          JOB_SECONDS + ADAPT_SECONDS * options.epochs * interactions.indices.length,
        ),
      );
    this.plan.notes.push('walks and skip-gram are one job: each step of them needs the one before');
  }

  /** @returns the columns of all groups. @param X what the jobs will make of their inputs */
  private solve(params: SimilarityParams, X: SparsePattern, inputs: Input[]): Input[] {
    const n = X.cols;
    const { group = 32, width = 32 } = params.systems;
    const parts = Math.max(1, Math.ceil(n / this.jobItems));
    const groups = Math.ceil(n / group);
    const all = steps(X);
    const lists = evenCuts(X, Math.ceil(parts / 2)).map((range) =>
      this.plan.add(
        nearestJob,
        { ...params, range },
        inputs,
        JOB_SECONDS + (STEP_SECONDS * all) / Math.ceil(parts / 2),
      ),
    );
    const cuts = Array.from({ length: parts + 1 }, (_, part) => Math.round((part * groups) / parts));
    const [order] = this.plan.add(
      orderJob,
      { items: n, width: Math.min(width, n), group, cuts },
      lists,
      JOB_SECONDS + 2e-6 * n,
      1 + parts,
    );
    const cost = JOB_SECONDS + (SYSTEM_SECONDS * n + STEP_SECONDS * all) / parts;
    return cuts
      .slice(1)
      .map((end, part) =>
        this.plan.add(
          solveJob,
          { ...params, range: [cuts[part], end] },
          [...inputs, [order, 0], [order, 1 + part]],
          cost,
        ),
      );
  }

  private add(stage: KnownStage, value: Input): void {
    this.known.push(stage);
    this.values.push(value);
  }
}

/** Steps from an item over its users to their items: Σ |x_u|². */
function steps({ indptr, rows }: SparsePattern): number {
  let sum = 0;
  for (let u = 0; u < rows; u++) sum += (indptr[u + 1] - indptr[u]) ** 2;
  return sum;
}

/** Ranges of ranks, items by popularity, of about the same number of steps. */
function evenCuts({ rows, cols, indptr, indices }: SparsePattern, parts: number): [begin: number, end: number][] {
  const users = new Int32Array(cols);
  const work = new Float64Array(cols);
  for (let u = 0; u < rows; u++)
    for (let e = indptr[u]; e < indptr[u + 1]; e++) {
      users[indices[e]]++;
      work[indices[e]] += indptr[u + 1] - indptr[u];
    }
  const order = Array.from(users.keys()).sort((a, b) => users[b] - users[a] || a - b);
  const most = work.reduce((sum, each) => sum + each, 0) / parts;
  const cuts: [number, number][] = [];
  let begin = 0;
  let sum = 0;
  for (const [rank, item] of order.entries()) {
    sum += work[item];
    if (sum < most && rank < cols - 1) continue;
    cuts.push([begin, rank + 1]);
    begin = rank + 1;
    sum = 0;
  }
  return cuts;
}
