import { ArgumentError, ClosedError, checkArray, checkInteger, checkTexts, UnseenUserError } from '../common/errors.ts';
import { Job, type JobOptions } from '../common/job.ts';
import { runTask } from '../engine/tasks.ts';
import type { Kernels } from '../engine/types.ts';
import { popularityScores } from '../model/elsewhere.ts';
import type { Model } from '../model/model.ts';
import { answerAll, answerOnThreads, onStack } from './batch.ts';
import { type KnownMarket, KnownMarkets } from './known-markets.ts';
import {
  type CheckedQuery,
  checkHistory,
  checkK,
  checkMarket,
  checkQuery,
  LOWEST_SCORE,
  type Ranked,
  type RankQuery,
  type Recommendations,
  type RecommendQuery,
  type SimilarQuery,
} from './query.ts';
import type { History, Scorer } from './scorer.ts';
import { type CheckedSimilar, type SimilarItem, similarOnThreads, similarTo } from './similar.ts';

/** A loaded model that answers queries. Its arrays are in linear memory once. No call leaves anything there. */
export class Recommender {
  private readonly known: KnownMarkets;
  private closed = false;
  /** Number of batches that run on threads. */
  private batches = 0;

  constructor(
    readonly model: Model,
    /** The kernels, and the memory, that this recommender uses. */
    readonly kernels: Kernels,
    /** Of the model, in the memory of `kernels`; the recommender closes it. @internal */
    readonly scorer: Scorer,
  ) {
    this.known = new KnownMarkets(model);
  }

  /** Names of the markets, in the model's order. */
  get markets(): string[] {
    return this.known.names;
  }

  /** Whether the model was saved with this user. @throws ArgumentError for an unknown market. */
  hasUser(market: string, user: string): boolean {
    return this.known.named(market).userIndex.has(user);
  }

  /** Whether the market knows this item. @throws ArgumentError for an unknown market. */
  hasItem(market: string, item: string): boolean {
    return this.known.named(market).itemIndex.has(item);
  }

  /**
   * The k items of the market with the highest scores, best first, equal scores by lower item index.
   * There are fewer only if the filters leave fewer. The score is defined at `Model`.
   *
   * @throws ArgumentError naming the argument: unknown market or user, neither or both of `user` and `items`, wrong k.
   * @throws ClosedError after `close`, as every other method that answers.
   * @example
   * recommender.recommend({ market: 'de', items: ['P1000001', 'P1000093'], k: 1 }).items[0].item; // → 'P1000448'
   */
  recommend(query: RecommendQuery): Recommendations {
    this.checkOpen();
    return answerAll(this, [this.check(query)])[0];
  }

  /**
   * `recommend` for each query, in order, with the same bits. Users of a market are scored together, which takes less
   * time. For 16 users or more of a market with vectors, a search with 2 n d bytes of quantised vectors first rules out
   * items that cannot be among a user's best (assembly/serving/search.ts).
   *
   * @throws ArgumentError and ClosedError as `recommend`.
   */
  recommendBatch(queries: readonly RecommendQuery[]): Recommendations[] {
    this.checkOpen();
    return answerAll(this, this.checkAll(queries));
  }

  /**
   * As `recommendBatch`, with the same bits, on all threads of the kernels that the recommender was made with
   * (`startThreads`), while the event loop runs. Batches on the same kernels run one after the other. Meanwhile other
   * recommenders on these kernels may be made, used and closed.
   *
   * @param options.onProgress is called with the stage `recommend`, the queries answered and their number.
   * @throws ArgumentError as `recommend`; AbortedError when stopped through `signal`; WorkerError if a thread fails or
   * the kernels are closed; ClosedError if the recommender is closed meanwhile.
   */
  async recommendAll(queries: readonly RecommendQuery[], options: JobOptions = {}): Promise<Recommendations[]> {
    const job = new Job(options);
    this.checkOpen();
    const checked = this.checkAll(queries);
    this.batches++;
    try {
      return await answerOnThreads(this, checked, job, () => this.checkOpen());
    } finally {
      this.batches--;
      this.freeIfOver();
    }
  }

  /**
   * The items most similar to one item i: linearWeight · S_ij + cosineWeight · cos(V_i, V_j), the highest first, equal
   * ones by lower item index. At most k items, all with scores above 0.
   *
   * @throws ArgumentError for an unknown market or item, a wrong k, or a kind of model without similarities.
   */
  similar(query: SimilarQuery): SimilarItem[] {
    this.checkOpen();
    return similarTo(this.withSimilar(), this.checkSimilar(query));
  }

  /**
   * `similar` for each query, in order, with the same bits, on all threads of the kernels, as `recommendAll` answers.
   *
   * @throws ArgumentError as `similar`; AbortedError, WorkerError and ClosedError as `recommendAll`.
   */
  async similarAll(queries: readonly SimilarQuery[], options: JobOptions = {}): Promise<SimilarItem[][]> {
    const job = new Job(options);
    this.checkOpen();
    const served = this.withSimilar();
    const checked = (checkArray('queries', queries) as SimilarQuery[]).map((query) => this.checkSimilar(query));
    this.batches++;
    try {
      return await similarOnThreads(served, checked, job, () => this.checkOpen());
    } finally {
      this.batches--;
      this.freeIfOver();
    }
  }

  private withSimilar() {
    const { kernels, scorer } = this;
    const { similar } = scorer;
    if (!similar)
      throw ArgumentError.because('item', 'this kind of model has no similar items: use a model of another kind');
    return { kernels, scorer: scorer as Scorer & { similar: typeof similar } };
  }

  private checkSimilar(query: SimilarQuery): CheckedSimilar {
    const market = checkMarket(this.known, query);
    const k = checkK(query.k);
    const item = typeof query.item === 'string' ? market.itemIndex.get(query.item) : undefined;
    if (item === undefined)
      throw new ArgumentError('item', query.item, `an item of market ${JSON.stringify(query.market)}`);
    return { market, item, k };
  }

  /**
   * The candidates, best first; those that the market does not know come last. Equal scores are ordered by lower item
   * index, then as given. A candidate given twice is ranked twice.
   *
   * @throws ArgumentError naming the argument: unknown market or user, neither or both of `user` and `items`.
   */
  rank(query: RankQuery): Ranked[] {
    this.checkOpen();
    const market = checkMarket(this.known, query);
    const { n, itemIndex } = market;
    const candidates = checkTexts('candidates', query.candidates);
    const history = checkHistory(market, query, this.scorer);
    const positions = candidates.map((item) => itemIndex.get(item) ?? n);
    const scores = this.scoresOf(market, history, Int32Array.from(positions.filter((position) => position < n)));
    let next = 0;
    return candidates
      .map((item, order) => {
        const position = positions[order];
        const known = position < n;
        return { item, order, position, known, score: known ? scores[next++] : LOWEST_SCORE };
      })
      .sort(
        (a, b) =>
          Number(b.known) - Number(a.known) || b.score - a.score || a.position - b.position || a.order - b.order,
      )
      .map(({ item, score, known }) => ({ item, score, known }));
  }

  /** `rank` for each query, in order. */
  rankBatch(queries: readonly RankQuery[]): Ranked[][] {
    return Array.from(checkArray('queries', queries, 'an array of queries') as typeof queries, (query) =>
      this.rank(query),
    );
  }

  /**
   * Scores of all n items of a market, for evaluation: popularity if the history is empty or tells the model nothing.
   * @param name of the market
   * @param history positions in the market's items, strictly increasing
   * @param user index of a user of the market, whose offset is then added; −1 for an unseen user
   * @param only positions in the market's items, whose scores alone are wanted; all by default
   * @returns n scores, or as many as positions: a copy
   * @throws ArgumentError for an unknown market, a position or a user out of range.
   */
  scores(name: string, history: ArrayLike<number>, user = -1, only?: Int32Array): Float32Array {
    this.checkOpen();
    const market = this.known.named(name);
    const positions = new Int32Array(
      checkInteger('history.length', (history as ArrayLike<number> | undefined)?.length, 0, market.n),
    );
    for (let i = 0; i < positions.length; i++) {
      const position = history[i];
      if (!Number.isInteger(position) || position >= market.n || position <= (i === 0 ? -1 : positions[i - 1])) {
        throw new ArgumentError(`history[${i}]`, position, `strictly increasing positions below ${market.n}`);
      }
      positions[i] = position;
    }
    checkInteger('user', user, -1, market.userIndex.size - 1);
    for (const [i, position] of only?.entries() ?? []) checkInteger(`only[${i}]`, position, 0, market.n - 1);
    if (user < 0 && !this.scorer.foldsIn && positions.length > 0)
      throw new UnseenUserError('user', this.scorer.refusal);
    return only
      ? this.scoresOf(market, { positions, user }, only)
      : this.withScores(market, { positions, user }, (scores) => scores.slice());
  }

  /**
   * The work of a query beyond what every query to its market takes: multiplications and additions that grow with the
   * length of its history and, with `explain`, with k. Services use it to bound what a request may ask for.
   * @throws ArgumentError as `recommend`.
   * @example
   * recommender.steps({ market: 'de', items: ['P1000001'], k: 10, explain: true }) > recommender.steps({ market: 'de', items: [] }); // → true
   */
  steps(query: RecommendQuery): number {
    this.checkOpen();
    const { market, history, explain, k } = this.check(query);
    return this.scorer.steps?.(market.number, history, explain > 0 ? Math.min(k, market.n) : 0) ?? 0;
  }

  /**
   * Frees the model's linear memory. Batches that run on threads end with a ClosedError, and every later question
   * throws one. Closing twice does nothing.
   */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.freeIfOver();
  }

  private freeIfOver(): void {
    // Threads may still be reading the model.
    if (this.closed && this.batches === 0) this.scorer.close();
  }

  private checkOpen(): void {
    if (this.closed) throw new ClosedError('this recommender was closed: load the model again');
  }

  private checkAll(queries: readonly RecommendQuery[]): CheckedQuery[] {
    return Array.from(checkArray('queries', queries, 'an array of queries') as typeof queries, (query) =>
      this.check(query),
    );
  }

  private check(query: RecommendQuery): CheckedQuery {
    const checked = checkQuery(this.known, query, this.scorer);
    if (checked.explain > 0 && !this.scorer.explain)
      throw ArgumentError.because('explain', 'this kind of model cannot explain its scores: ask without explain');
    return checked;
  }

  /** The scores of some items, by their positions. */
  private scoresOf(market: KnownMarket, history: History, positions: Int32Array): Float32Array {
    const { kernels, scorer } = this;
    const { exports, memory } = kernels;
    if (!scorer.scoreItems || (history.user < 0 && !scorer.foldsIn))
      return this.withScores(market, history, (scores) => pick(scores, positions));
    return onStack(memory, () => {
      const address = memory.allocate(4 * positions.length);
      runTask(exports, scorer.scoreItems!(market.number, history, positions, address, memory));
      return memory.f32(address, positions.length).slice();
    });
  }

  /** Calls `read` with the scores of one history. The view is valid while `read` runs. */
  private withScores<T>(market: KnownMarket, history: History, read: (scores: Float32Array) => T): T {
    const { exports, memory } = this.kernels;
    const { n, model } = market;
    return onStack(memory, () => {
      const address = memory.allocate(4 * n);
      const pending = this.scorer.score(market.number, [history], address, memory);
      runTask(exports, pending.calls);
      const [{ informed }] = pending.read();
      return read(informed ? memory.f32(address, n) : popularityScores(model));
    });
  }
}

const pick = (scores: Float32Array, positions: Int32Array) =>
  Float32Array.from(positions, (position) => scores[position]);
