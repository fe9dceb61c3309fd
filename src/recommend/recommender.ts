import { power } from '../common/elementary.ts';
import { ArgumentError, checkArray, checkInteger, checkObject, checkTexts } from '../common/errors.ts';
import { Job, type JobOptions } from '../common/job.ts';
import { type Address, NOWHERE, plus } from '../engine/address.ts';
import { kernelSource } from '../engine/init.ts';
import { instantiateKernels, type KernelSource, type Kernels } from '../engine/instantiate.ts';
import { Choice, SubjectTerms } from '../engine/kernel-layout.ts';
import type { LinearMemory } from '../engine/memory.ts';
import { putStructs, readStructs } from '../engine/struct.ts';
import { type Call, ranges, runTask, runTasks } from '../engine/tasks.ts';
import { checkModel } from '../model/check.ts';
import { decodeModel } from '../model/file.ts';
import type { MarketModel, Model } from '../model/model.ts';
import { putTable, type Table } from '../model/table.ts';
import { type Best, type Catalogue, scanBest, searchBest, shortenItems } from './search.ts';

/** Whom to recommend to: a user that the model was saved with, or anyone with these items as history. */
export type Subject = { market: string } & (
  | { user: string; items?: undefined }
  | { items: readonly string[]; user?: undefined }
);

/** For whom to recommend, how many, and which items. */
export type RecommendQuery = Subject & {
  /** How many, at least 1; 10 unless told. */
  k?: number;
  /** Whether items of the history may be recommended; false unless told. */
  includeSeen?: boolean;
  /** Recommends these items only; ids that the market does not know are passed over. */
  only?: readonly string[];
  /** Never recommends these items. */
  without?: readonly string[];
  /** Adds to each result what its score is made of; a number keeps that many of the largest contributions. */
  explain?: boolean | number;
};

/** What one item of the history adds to a score. */
export interface Contribution {
  item: string;
  contribution: number;
}

/** One recommended item. */
export interface Recommendation {
  item: string;
  score: number;
  /**
   * What each history item adds to the score, largest first: linearWeight · |x|^(−linearPower) · S_ij +
   * cosineWeight · (P_i · V_j) / (c ‖u‖). With `own` and `bias` it sums to the score, within the rounding of f32.
   */
  because?: Contribution[];
  /** What the user's own offset adds: cosineWeight · (U_loc · V_j) / ‖u‖; only for a user who has one. */
  own?: number;
  /** The item's bias; only in a model that has one. */
  bias?: number;
}

/** The answer to one query. */
export interface Recommendations {
  items: Recommendation[];
  /** Present where the history is empty or tells this model nothing: the scores are the items' popularity. */
  fallback?: 'popularity';
  /** Items of the query that the market does not know, in the order of the query. */
  unknownItems: string[];
}

/** For whom to rank which items. */
export type RankQuery = Subject & { candidates: readonly string[] };

/** One candidate in order. */
export interface Ranked {
  item: string;
  /** LOWEST_SCORE for a candidate that the market does not know. */
  score: number;
  known: boolean;
}

/** The score of a candidate that the market does not know: the lowest finite f32, so that text and JSON can hold it. */
export const LOWEST_SCORE = -3.4028234663852886e38;

interface Sparse {
  indptr: Address;
  indices: Address;
  values: Address;
}

/** A market in linear memory: addresses of its arrays, vectors as f32. */
interface Loaded {
  model: MarketModel;
  n: number;
  /** Position of each known item. */
  itemIndex: Map<string, number>;
  userIndex: Map<string, number>;
  linear?: Sparse;
  foldIn?: Address;
  vectors?: Address;
  bias?: Address;
  userVectors?: Address;
}

/** Users whose scores are made at once: their vectors and a block of V fit the nearest cache; their scores take 128 n bytes, lists of a search 256 n. */
const SCORED_TOGETHER = 32;

/** Groups of users that a thread is given at a time. */
const GROUPS_PER_THREAD = 8;
const NONE = new Int32Array(0);
const NO_LINEAR: Sparse = { indptr: NOWHERE, indices: NOWHERE, values: NOWHERE };

/** So many users of a market are searched for: making the whole numbers of its items then costs a tenth of what they save. */
const SEARCHED_FROM = 16;
/** Where k is above n / 32, a search would score much of the list exactly. */
const SEARCHED_SHARE = 32;

/** Scores at an address of the scratch space, valid until it is released. */
interface Scored {
  /** n × f32 */
  address: Address;
  fallback: boolean;
  /** d × f32, the user's vector u, where the cosine took part. */
  vector?: Address;
  /** c, the history items that have a vector. */
  counted: number;
}

/** What makes users' linear terms and vectors, to be called, and then what came of it. */
interface Terms {
  /** users × d × f32; NOWHERE where the market has no vectors. */
  users: Address;
  /** Of each user's linear terms, 4 n bytes apart unless the users share them. */
  addresses: Address[];
  call: Call;
  read(): Scored[];
}

/** Users of one market that are answered together: by a search where there is a catalogue to search. */
interface Group {
  /** Their queries, by number. */
  orders: number[];
  plans: Plan[];
  catalogue?: Catalogue;
}

/** A checked query. */
interface Plan {
  market: Loaded;
  k: number;
  only?: readonly string[];
  without: readonly string[];
  explain: number;
  history: History;
  includeSeen: boolean;
}

interface History {
  /** Ascending positions, each once. */
  positions: Int32Array;
  /** Index of the user, or −1. */
  user: number;
  unknownItems: string[];
}

/**
 * Opens a model file and gets it ready to recommend.
 *
 * @throws ModelFileError for bytes that are not a whole, undamaged model file of a version that this library reads.
 * @throws ArgumentError for an argument of another type.
 * @throws MemoryError where the model does not fit.
 * @example
 * const recommender = await loadModel(await readBytes('shop.m3rec'));
 * recommender.markets; // → ['de', 'in', 'jp', 'uk', 'us']
 */
export async function loadModel(
  bytes: Uint8Array | ArrayBuffer,
  options: { kernels?: KernelSource } = {},
): Promise<Recommender> {
  const { kernels } = checkObject('options', options) as typeof options;
  const model = decodeModel(bytes);
  return Recommender.ofChecked(model, await instantiateKernels(await kernelSource(kernels)));
}

/** Settles when no `recommendAll` is at work on a memory: each holds a part of it, and its threads, until it ends. */
const turns = new WeakMap<LinearMemory, Promise<void>>();

/**
 * A model that answers. Its arrays are in linear memory once; each call works above them and leaves nothing behind.
 * @example
 * const { items } = recommender.recommend({ market: 'de', items: ['P1000001', 'P1000093'], k: 1 });
 * items[0].item; // → 'P1000448'
 */
export class Recommender {
  private readonly loaded = new Map<string, Loaded>();

  private constructor(
    readonly model: Model,
    /** The instance that this recommender works on. */
    readonly kernels: Kernels,
  ) {
    for (const market of model.markets) this.loaded.set(market.name, this.load(market));
  }

  /**
   * Puts the model's arrays into the memory of `kernels`, above what is in use there.
   * Whoever shares that memory must not release it below this point while the recommender is in use.
   *
   * @throws ArgumentError for what is no model.
   * @throws MemoryError where they do not fit; nothing stays behind then.
   */
  static from(model: Model, kernels: Kernels): Recommender {
    checkModel(model);
    return Recommender.ofChecked(model, kernels);
  }

  /** As `from`, for a model that `decodeModel` has just checked. @internal */
  static ofChecked(model: Model, kernels: Kernels): Recommender {
    const mark = kernels.memory.mark();
    try {
      return new Recommender(model, kernels);
    } catch (error) {
      kernels.memory.release(mark);
      throw error;
    }
  }

  /** Names of the markets, in the model's order. */
  get markets(): string[] {
    return [...this.loaded.keys()];
  }

  /** Whether the model was saved with this user. @throws ArgumentError for an unknown market. */
  hasUser(market: string, user: string): boolean {
    return this.market(market).userIndex.has(user);
  }

  /** Whether the market knows this item. @throws ArgumentError for an unknown market. */
  hasItem(market: string, item: string): boolean {
    return this.market(market).itemIndex.has(item);
  }

  /**
   * The k items of the market with the highest scores, best first, equal scores by lower item index.
   * There are fewer only where the filters leave fewer. The score is defined at `Model`.
   *
   * @throws ArgumentError naming the argument: unknown market or user, neither or both of `user` and `items`, wrong k.
   */
  recommend(query: RecommendQuery): Recommendations {
    return this.answerAll([this.plan(query)])[0];
  }

  /**
   * `recommend` for each query, in order, with the same bits; users of a market are scored together, which takes less time. From 16 users
   * of a market with vectors on, 2 n d bytes more tell which items cannot be among a user's best (assembly/serving/search.ts).
   */
  recommendBatch(queries: readonly RecommendQuery[]): Recommendations[] {
    return this.answerAll(this.plans(queries));
  }

  /**
   * As `recommendBatch`, on all threads of the kernels that the recommender was made with (`startThreads`), the event loop turning
   * meanwhile; the bits are the same. Calls take their turns, those of other recommenders on these kernels too; the other methods may be called
   * meanwhile, but no recommender be made on these kernels.
   *
   * @param options.onProgress hears `recommend` with the queries answered and their number.
   * @throws ArgumentError as `recommend`; AbortedError when stopped through `signal`; WorkerError where a thread fails.
   */
  async recommendAll(queries: readonly RecommendQuery[], options: JobOptions = {}): Promise<Recommendations[]> {
    const job = new Job(options);
    const plans = this.plans(queries);
    const { memory } = this.kernels;
    const answers = (turns.get(memory) ?? Promise.resolve()).then(() => this.answerOnThreads(plans, job));
    turns.set(
      memory,
      answers.then(
        () => {},
        () => {},
      ),
    );
    return answers;
  }

  private plans(queries: readonly RecommendQuery[]): Plan[] {
    return Array.from(checkArray('queries', queries, 'an array of queries') as typeof queries, (query) =>
      this.plan(query),
    );
  }

  private plan(query: RecommendQuery): Plan {
    const market = this.queried(query);
    return {
      market,
      k: checkInteger('k', query.k ?? 10, 1, 0x7fffffff),
      only: query.only === undefined ? undefined : checkTexts('only', query.only),
      without: query.without === undefined ? [] : checkTexts('without', query.without),
      explain: checkExplain(query.explain),
      history: this.history(market, query),
      includeSeen: Boolean(query.includeSeen),
    };
  }

  private answerAll(plans: Plan[]): Recommendations[] {
    const results: Recommendations[] = new Array(plans.length);
    for (const orders of byMarket(plans)) {
      this.scratch(() => {
        for (const group of this.groups(plans, orders)) {
          this.scratch(() => {
            const { calls, read } = this.prepare(group);
            runTask(this.kernels.exports, calls);
            for (const [i, answer] of read().entries()) results[group.orders[i]] = answer;
          });
        }
      });
    }
    return results;
  }

  private async answerOnThreads(plans: Plan[], job: Job): Promise<Recommendations[]> {
    const { memory, pool } = this.kernels;
    const results: Recommendations[] = new Array(plans.length);
    const together = GROUPS_PER_THREAD * (pool?.threads ?? 1);
    let done = 0;
    for (const orders of byMarket(plans)) {
      const mark = memory.mark();
      try {
        const groups = this.groups(plans, orders);
        for (const [begin, end] of ranges(groups.length, together)) {
          const above = memory.mark();
          const chosen = groups.slice(begin, end);
          const prepared = chosen.map((group) => this.prepare(group));
          await runTasks(
            this.kernels,
            prepared.map(({ calls }) => calls),
          );
          for (const [g, { orders }] of chosen.entries()) {
            for (const [i, answer] of prepared[g].read().entries()) results[orders[i]] = answer;
            done += orders.length;
          }
          memory.release(above);
          await job.tick('recommend', done, plans.length);
        }
      } finally {
        memory.release(mark);
      }
    }
    return results;
  }

  /** Users of one market, in groups that are scored together. */
  private groups(plans: Plan[], orders: number[]): Group[] {
    const { market } = plans[orders[0]];
    const among = orders.filter((order) => isSearched(plans[order]));
    const catalogue = this.catalogue(market, among.length);
    const cut = (chosen: number[], catalogue?: Catalogue): Group[] =>
      ranges(chosen.length, SCORED_TOGETHER).map(([from, to]) => {
        const orders = chosen.slice(from, to);
        return { orders, plans: orders.map((order) => plans[order]), catalogue };
      });
    return catalogue
      ? [...cut(among, catalogue), ...cut(orders.filter((order) => !isSearched(plans[order])))]
      : cut(orders);
  }

  /** The calls that answer a group, by a search that scores few items exactly or by the scores of all: to the bit the same. */
  private prepare({ plans, catalogue }: Group): { calls: Call[]; read: () => Recommendations[] } {
    const { market } = plans[0];
    const { n, bias, model } = market;
    const terms = this.terms(
      market,
      plans.map(({ history }) => history),
      catalogue?.zeros,
    );
    const { masks, call } = this.exclude(plans);
    const seekers = plans.map(({ k }, i) => ({
      linear: terms.addresses[i],
      excluded: plus(masks, n * i),
      k: Math.min(k, n),
    }));
    const finding = catalogue
      ? searchBest(this.kernels, catalogue, terms.users, seekers)
      : scanBest(this.kernels, n, bias, seekers);
    const read = () => {
      const each = terms.read();
      const best = finding.read();
      const answers = plans.map((plan, i) => this.answer(plan, each[i], best[i]));
      for (const [i, plan] of plans.entries()) {
        if (!each[i].fallback) continue;
        answers[i] = this.scratch(() =>
          this.answer(
            plan,
            each[i],
            this.best(market, this.kernels.memory.put(Float32Array.from(model.popularity)), plus(masks, n * i), plan.k),
          ),
        );
      }
      return answers;
    };
    const scores = catalogue ? [terms.call] : this.scoreCalls(market, terms);
    return { calls: [...scores, call, finding.call], read };
  }

  /** What a search in a market needs; undefined where the market has no vectors to search by, or too few users ask. */
  private catalogue(
    { n, foldIn, vectors, bias, model: { cosineWeight } }: Loaded,
    users: number,
  ): Catalogue | undefined {
    if (users < SEARCHED_FROM || foldIn === undefined || vectors === undefined) return undefined;
    return shortenItems(this.kernels, { n, d: this.model.dim, vectors, bias, cosineWeight });
  }

  /** A byte per plan and item of their market: the call makes it 1 for the items that the plan's query leaves out. */
  private exclude(plans: Plan[]): { masks: Address; call: Call } {
    const { memory } = this.kernels;
    const { n, itemIndex } = plans[0].market;
    const masks = memory.allocate(n * plans.length);
    const positionsOf = (items: readonly string[]) =>
      items.map((item) => itemIndex.get(item)).filter((position) => position !== undefined);
    const lists = plans.map(({ only, without, history, includeSeen }) => {
      const seen = includeSeen ? NONE : history.positions;
      return {
        only: only && positionsOf(only),
        left: without.length === 0 ? seen : [...positionsOf(without), ...seen],
      };
    });
    const total = lists.reduce((sum, { only, left }) => sum + (only?.length ?? 0) + left.length, 0);
    const items = memory.allocate(4 * total);
    const item = memory.i32(items, total);
    let at = 0;
    const choices = lists.map(({ only, left }): Choice => {
      const first = at;
      for (const list of [only ?? NONE, left]) {
        item.set(list, at);
        at += list.length;
      }
      return { items: plus(items, 4 * first), only: only?.length ?? -1, without: left.length };
    });
    return { masks, call: ['maskBatch', plans.length, n, masks, putStructs(memory, Choice, choices)] };
  }

  private answer(
    { market, explain, history }: Plan,
    scored: Scored,
    { positions, scores, from, kept }: Best,
  ): Recommendations {
    const items: Recommendation[] = [];
    for (let i = from; i < from + kept; i++) {
      const found: Recommendation = { item: this.itemId(market, positions[i]), score: scores[i] };
      items.push(
        explain > 0 ? Object.assign(found, this.explain(market, history, scored, positions[i], explain)) : found,
      );
    }
    return { items, ...(scored.fallback && { fallback: 'popularity' as const }), unknownItems: history.unknownItems };
  }

  /**
   * The items most like one item i: linearWeight · S_ij + cosineWeight · cos(V_i, V_j), the highest first, equal ones
   * by lower item index; at most k, and none whose score is not above 0.
   *
   * @throws ArgumentError for an unknown market or item, or a wrong k.
   */
  similar(query: { market: string; item: string; k?: number }): { item: string; score: number }[] {
    const market = this.queried(query);
    const k = checkInteger('k', query.k ?? 10, 1, 0x7fffffff);
    const position = typeof query.item === 'string' ? market.itemIndex.get(query.item) : undefined;
    if (position === undefined)
      throw new ArgumentError('item', query.item, `an item of market ${JSON.stringify(query.market)}`);
    return this.scratch(() => {
      const { exports, memory } = this.kernels;
      const { n, vectors, model } = market;
      const address = memory.allocateZeroed(4 * n);
      this.addLinear(market, address, memory.put(Int32Array.of(position)), 1, model.linearWeight);
      if (vectors !== undefined) {
        const d = this.model.dim;
        exports.addCosines(
          address,
          1,
          n,
          d,
          vectors,
          plus(vectors, 4 * d * position),
          memory.allocate(4),
          model.cosineWeight,
        );
      }
      const excluded = memory.allocateZeroed(n);
      memory.u8(excluded, n)[position] = 1;
      const { positions, scores } = this.best(market, address, excluded, k);
      return Array.from(positions, (position, i) => ({ item: this.itemId(market, position), score: scores[i] })).filter(
        ({ score }) => score > 0,
      );
    });
  }

  /**
   * The candidates, best first; those that the market does not know come last. Equal scores go by lower item index,
   * then in the order given; a candidate given twice is ranked twice.
   *
   * @throws ArgumentError naming the argument: unknown market or user, neither or both of `user` and `items`.
   */
  rank(query: RankQuery): Ranked[] {
    const market = this.queried(query);
    const candidates = checkTexts('candidates', query.candidates);
    const history = this.history(market, query);
    return this.scratch(() => {
      const [{ address }] = this.score(market, [history]);
      const scores = this.kernels.memory.f32(address, market.n);
      return candidates
        .map((item, order) => {
          const position = market.itemIndex.get(item) ?? market.n;
          const known = position < market.n;
          return { item, order, position, known, score: known ? scores[position] : LOWEST_SCORE };
        })
        .sort(
          (a, b) =>
            Number(b.known) - Number(a.known) || b.score - a.score || a.position - b.position || a.order - b.order,
        )
        .map(({ item, score, known }) => ({ item, score, known }));
    });
  }

  /** `rank` for each query, in order. */
  rankBatch(queries: readonly RankQuery[]): Ranked[][] {
    return Array.from(checkArray('queries', queries, 'an array of queries') as typeof queries, (query) =>
      this.rank(query),
    );
  }

  /**
   * Scores of all n items of a market, for evaluation: popularity where the history is empty or tells nothing.
   * @param name of the market
   * @param history positions in the market's items, strictly increasing
   * @param user index in the market's users, whose own offset is then added; −1 for an unseen user
   * @returns n scores, a copy
   * @throws ArgumentError for an unknown market, a position or a user out of range.
   */
  scores(name: string, history: ArrayLike<number>, user = -1): Float32Array {
    const market = this.market(name);
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
    return this.scratch(() =>
      this.kernels.memory.f32(this.score(market, [{ positions, user }])[0].address, market.n).slice(),
    );
  }

  private load(model: MarketModel): Loaded {
    const { memory } = this.kernels;
    const job = `market ${model.name} of the model`;
    const put = (array: ArrayBufferView | undefined) => array && memory.put(array, job);
    const putRows = (table: Table | undefined, unit = false) =>
      table && putTable(this.kernels, table, this.model.dim, unit, job);
    const itemIndex = new Map<string, number>();
    for (const [position, item] of model.items.entries()) itemIndex.set(this.model.items[item], position);
    const { linear } = model;
    return {
      model,
      n: model.items.length,
      itemIndex,
      userIndex: new Map(model.users?.map((user, index) => [user, index])),
      linear: linear && { indptr: put(linear.indptr)!, indices: put(linear.indices)!, values: put(linear.values)! },
      foldIn: putRows(model.foldIn),
      vectors: putRows(model.vectors, true),
      bias: put(model.bias),
      userVectors: putRows(model.userVectors),
    };
  }

  private queried(query: { market: string }): Loaded {
    return this.market(checkObject('query', query).market);
  }

  private market(name: unknown): Loaded {
    const market = typeof name === 'string' ? this.loaded.get(name) : undefined;
    if (!market)
      throw new ArgumentError(
        'market',
        name,
        `one of ${this.markets.map((known) => JSON.stringify(known)).join(', ')}`,
      );
    return market;
  }

  private history(market: Loaded, { user, items }: Subject): History {
    if ((user === undefined) === (items === undefined)) {
      throw new ArgumentError(
        'user, items',
        user === undefined ? undefined : 'both',
        'either a user or the items of a history',
      );
    }
    if (items !== undefined) {
      const positions = new Set<number>();
      const unknownItems: string[] = [];
      for (const item of checkTexts('items', items)) {
        const position = market.itemIndex.get(item);
        if (position === undefined) unknownItems.push(item);
        else positions.add(position);
      }
      return { positions: Int32Array.from(positions).sort(), user: -1, unknownItems };
    }
    const { users, seenItems, name } = market.model;
    if (!users || !seenItems)
      throw new ArgumentError('user', user, 'items instead: this model was saved without users');
    const index = market.userIndex.get(user!);
    if (index === undefined)
      throw new ArgumentError('user', user, `a user of market ${JSON.stringify(name)}, or items instead`);
    return {
      positions: seenItems.indices.slice(seenItems.indptr[index], seenItems.indptr[index + 1]),
      user: index,
      unknownItems: [],
    };
  }

  /** Runs `work` above the model in linear memory and frees what it allocated. */
  private scratch<T>(work: () => T): T {
    const { memory } = this.kernels;
    const mark = memory.mark();
    try {
      return work();
    } finally {
      memory.release(mark);
    }
  }

  /** The scores of all items for each of these users of one market; a user's do not depend on the others. */
  private score(market: Loaded, histories: Pick<History, 'positions' | 'user'>[]): Scored[] {
    const { exports, memory } = this.kernels;
    const { n, model } = market;
    const terms = this.terms(market, histories);
    runTask(exports, this.scoreCalls(market, terms));
    const each = terms.read();
    for (const { address, fallback } of each) {
      if (fallback) memory.f32(address, n).set(model.popularity);
      else if (market.bias !== undefined) exports.addBias(address, n, market.bias);
    }
    return each;
  }

  /** What makes all scores of these users but the bias, in place of their linear terms. */
  private scoreCalls({ n, vectors, model }: Loaded, { users, addresses, call }: Terms): Call[] {
    if (users === NOWHERE) return [call];
    const m = addresses.length;
    return [
      call,
      [
        'addCosines',
        addresses[0],
        m,
        n,
        this.model.dim,
        vectors!,
        users,
        this.kernels.memory.allocate(4 * m),
        model.cosineWeight,
      ],
    ];
  }

  /**
   * What makes the linear terms and the vector of each of these users, of whom there is at least one.
   * @param zeros n × f32, all 0, for all users to share where there are no linear terms; without it each gets zeros of their own
   */
  private terms(market: Loaded, histories: Pick<History, 'positions' | 'user'>[], zeros?: Address): Terms {
    const { memory } = this.kernels;
    const { n, model, foldIn, vectors, linear } = market;
    const m = histories.length;
    const d = this.model.dim;
    const hasVectors = foldIn !== undefined && vectors !== undefined;
    const shared = linear === undefined ? zeros : undefined;
    // scoreLinear clears what it writes to
    const scores = shared ?? (linear ? memory.allocate(4 * n * m) : memory.allocateZeroed(4 * n * m));
    const users = hasVectors ? memory.allocateZeroed(4 * d * m) : NOWHERE;
    const total = histories.reduce((sum, { positions }) => sum + positions.length, 0);
    const lists = memory.allocate(4 * total);
    const listed = memory.i32(lists, total);
    const addresses = histories.map((_, i) => (shared === undefined ? plus(scores, 4 * n * i) : shared));
    let at = 0;
    const each = histories.map(({ positions, user }, i): SubjectTerms => {
      const count = positions.length;
      const list = plus(lists, 4 * at);
      listed.set(positions, at);
      at += count;
      return {
        linear: linear ? addresses[i] : NOWHERE,
        history: list,
        count,
        factor: linear ? model.linearWeight * power(Math.max(1, count), -model.linearPower) : 0,
        vector: hasVectors && count > 0 ? plus(users, 4 * d * i) : NOWHERE,
        offset: market.userVectors === undefined || user < 0 ? NOWHERE : plus(market.userVectors, 4 * d * user),
        entries: 0,
        used: 0,
      };
    });
    const subjects = putStructs(memory, SubjectTerms, each);
    const read = () =>
      readStructs(memory, SubjectTerms, subjects, m).map(({ vector: own, offset, entries, used }, i): Scored => {
        const vector = used > 0 || (own !== NOWHERE && offset !== NOWHERE) ? plus(users, 4 * d * i) : undefined;
        return { address: addresses[i], vector, counted: used, fallback: entries === 0 && vector === undefined };
      });
    const { indptr, indices, values } = linear ?? NO_LINEAR;
    return {
      users,
      addresses,
      call: ['termsBatch', m, n, d, indptr, indices, values, foldIn ?? NOWHERE, subjects],
      read,
    };
  }

  /** Writes scale · Σ S_ij over the listed rows; returns how many entries of S it added. */
  private addLinear(market: Loaded, address: Address, list: Address, count: number, scale: number): number {
    const { linear, n } = market;
    if (!linear) return 0;
    return this.kernels.exports.scoreLinear(
      address,
      n,
      linear.indptr,
      linear.indices,
      linear.values,
      list,
      count,
      scale,
    );
  }

  /** The k best of n scores; views, good until the next allocation. */
  private best(market: Loaded, scores: Address, excluded: Address, k: number): Best {
    const { exports, memory } = this.kernels;
    const most = Math.min(k, market.n);
    const positions = memory.allocate(4 * most);
    const values = memory.allocate(4 * most);
    const kept = exports.topK(scores, market.n, excluded, most, positions, values);
    return { positions: memory.i32(positions, kept), scores: memory.f32(values, kept), from: 0, kept };
  }

  private explain(
    market: Loaded,
    subject: History,
    scored: Scored,
    position: number,
    most: number,
  ): Pick<Recommendation, 'because' | 'own' | 'bias'> {
    if (scored.fallback) return { because: [] };
    const { model } = market;
    const d = this.model.dim;
    const scale = model.linearWeight * power(Math.max(1, subject.positions.length), -model.linearPower);
    const rows = (table: Address | undefined, count: number) =>
      table === undefined ? new Float32Array(0) : this.kernels.memory.f32(table, count * d);
    const u = rows(scored.vector, 1);
    const history = rows(market.foldIn, market.n);
    const vectors = rows(market.vectors, market.n);
    const norm = Math.sqrt(product(u, 0, u, 0, u.length));
    const share = norm > 0 ? model.cosineWeight / norm : 0;
    const because = Array.from(subject.positions, (i) => {
      let contribution = scale * linearEntry(model, i, position);
      if (share !== 0 && scored.counted > 0)
        contribution += (share * product(history, i * d, vectors, position * d, d)) / scored.counted;
      return { item: this.itemId(market, i), contribution };
    });
    because.sort((a, b) => b.contribution - a.contribution);
    const own =
      market.userVectors !== undefined && subject.user >= 0
        ? share * product(rows(market.userVectors, market.userIndex.size), subject.user * d, vectors, position * d, d)
        : undefined;
    return {
      because: because.slice(0, most),
      ...(own !== undefined && { own }),
      ...(model.bias && { bias: model.bias[position] }),
    };
  }

  private itemId(market: Loaded, position: number): string {
    return this.model.items[market.model.items[position]];
  }
}

/** Σ_k a[i + k] · b[j + k] over d, in doubles. */
function product(a: Float32Array, i: number, b: Float32Array, j: number, d: number): number {
  let sum = 0;
  for (let k = 0; k < d; k++) sum += a[i + k] * b[j + k];
  return sum;
}

/** S_ij, found by bisection; 0 where S has no such entry. */
function linearEntry({ linear }: MarketModel, i: number, j: number): number {
  if (!linear) return 0;
  let low = linear.indptr[i];
  let high = linear.indptr[i + 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (linear.indices[middle] < j) low = middle + 1;
    else high = middle;
  }
  return low < linear.indptr[i + 1] && linear.indices[low] === j ? linear.values[low] : 0;
}

/** The numbers of the queries of each market. */
function byMarket(plans: Plan[]): Iterable<number[]> {
  const orders = new Map<Loaded, number[]>();
  for (const [order, { market }] of plans.entries()) {
    const known = orders.get(market);
    if (known) known.push(order);
    else orders.set(market, [order]);
  }
  return orders.values();
}

/** Whether a search, if the market's users are many enough, answers this query in less time than all scores would. */
const isSearched = ({ market, k }: Plan) => SEARCHED_SHARE * k <= market.n;

/** How many contributions to name: 0 for none, Infinity for all. */
function checkExplain(explain: unknown): number {
  if (explain === undefined || explain === false) return 0;
  if (explain === true) return Infinity;
  return checkInteger('explain', explain, 1, 0x7fffffff);
}
