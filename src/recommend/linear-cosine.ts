// The scorers of models whose scores are linear terms, a cosine or a product of vectors, and a bias (the formula at
// `Model`): all kinds but networks.

import { power } from '../common/elementary.ts';
import { type Address, NOWHERE, plus } from '../engine/address.ts';
import { SubjectTerms } from '../engine/kernel-layout.ts';
import type { Arena, Region } from '../engine/memory.ts';
import { putStructs, readStructs } from '../engine/struct.ts';
import type { Call, Kernels } from '../engine/types.ts';
import type { MarketModel, Model } from '../model/model.ts';
import { putTable, type Table } from '../model/table.ts';
import type { Evidence, Explanation, History, Pending, Scorer, Search } from './scorer.ts';
import { quantiseItems, searchBest } from './search.ts';

/**
 * From this number of users of a market on, a search saves time: quantising the items costs a tenth of what it saves.
 */
const SEARCHED_FROM = 16;

/** The steps that finding an entry of S is counted as: about a bisection. */
const LOOK_UP_STEPS = 16;
/** Below this, the square of a length loses its relative precision in f32. */
const LEAST_SQUARE = 1e-30;

interface Sparse {
  indptr: Address;
  indices: Address;
  values: Address;
}
const NO_LINEAR: Sparse = { indptr: NOWHERE, indices: NOWHERE, values: NOWHERE };

/** A market in linear memory, vectors as f32. */
interface LoadedMarket {
  model: MarketModel;
  n: number;
  linear?: Sparse;
  /** M, at the entries of S. */
  maxima?: Address;
  foldIn?: Address;
  vectors?: Address;
  bias?: Address;
  userVectors?: Address;
}

export interface LinearCosineEvidence extends Evidence {
  /** d × f32, the user's vector u, if the cosine took part. */
  vector?: Address;
  /** c, the history items that have a vector. */
  counted: number;
}

/** The calls that compute users' linear terms and vectors, and how to read their results. */
export interface LinearTerms {
  /** users × d × f32; NOWHERE in a market without vectors. */
  users: Address;
  calls: Call[];
  read(): LinearCosineEvidence[];
}

/** Scores are linear terms, cosineWeight · cos(u, V_j) and the bias. */
export const linearCosine = (model: Model, kernels: Kernels) => open(model, kernels, true);

/** As `linearCosine`, with cosineWeight · u · V_j instead of the cosine. */
export const dotProduct = (model: Model, kernels: Kernels) => open(model, kernels, false);

const open = (model: Model, kernels: Kernels, cosine: boolean) =>
  inRegion(kernels, (region) => new LinearCosine(model, kernels, region, cosine));

/** What is made in a region, which is freed if that fails. */
export function inRegion<T>(kernels: Kernels, make: (region: Region) => T): T {
  const region = kernels.memory.region();
  try {
    return make(region);
  } catch (error) {
    region.free();
    throw error;
  }
}

export class LinearCosine implements Scorer<LinearCosineEvidence> {
  readonly foldsIn = true;
  protected readonly d: number;
  private readonly markets: LoadedMarket[];

  constructor(
    model: Model,
    protected readonly kernels: Kernels,
    protected readonly region: Region,
    /** Whether products of vectors are divided by the length of u. */
    private readonly cosine: boolean,
  ) {
    this.d = model.dim;
    this.markets = model.markets.map((market) => this.load(market));
  }

  close(): void {
    this.region.free();
  }

  score(number: number, histories: readonly History[], out: Address, scratch: Arena): Pending<LinearCosineEvidence[]> {
    const market = this.markets[number];
    const { n, linear, bias } = market;
    const m = histories.length;
    // termsBatch clears what it writes to
    if (!linear) this.kernels.memory.u8(out, 4 * n * m).fill(0);
    const addresses = histories.map((_, i) => plus(out, 4 * n * i));
    const { users, calls: before, read } = this.terms(number, histories, addresses, scratch);
    const calls: Call[] = [...before];
    if (users !== NOWHERE) calls.push(this.products(market, out, m, users, scratch));
    if (bias !== undefined) for (const address of addresses) calls.push(['addBias', address, n, bias]);
    return { calls, read };
  }

  search(number: number, users: number, scratch: Arena): Search<LinearCosineEvidence> | undefined {
    const market = this.markets[number];
    const { cosine } = this;
    const { n, vectors, bias, linear, model } = market;
    if (users < SEARCHED_FROM || vectors === undefined) return undefined;
    const { cosineWeight } = model;
    const items = quantiseItems(this.kernels, { n, d: this.d, vectors, bias, cosineWeight, cosine }, scratch);
    if (!items) return undefined;
    return (histories, wanted, scratch) => {
      const terms = linear && scratch.allocate(4 * n * histories.length);
      // without linear terms all users share the zeros
      const addresses = histories.map((_, i) => (terms === undefined ? items.zeros : plus(terms, 4 * n * i)));
      const { users, calls, read } = this.terms(number, histories, addresses, scratch);
      const seekers = wanted.map(({ excluded, k }, i) => ({ scores: addresses[i], excluded, k }));
      const best = searchBest(this.kernels, items, users, seekers, scratch);
      return { calls: [...calls, best.call], read: () => ({ evidence: read(), best: best.read() }) };
    };
  }

  /**
   * linearWeight · S_ij + max(0, M_ij) + cosineWeight · cos(V_i, V_j). Where scores are products, what they are, without
   * the bias, for somebody who has had that item alone.
   */
  similar(number: number, item: number, out: Address, scratch: Arena): Call[] {
    const market = this.markets[number];
    const { n, linear, maxima, vectors, model } = market;
    const calls: Call[] = [];
    if (linear) {
      const list = scratch.put(Int32Array.of(item));
      const { indptr, indices, values } = linear;
      const weight = model.linearWeight;
      if (maxima === undefined) calls.push(['scoreLinear', out, n, indptr, indices, values, list, 1, weight]);
      else {
        const zeros = scratch.allocateZeroed(4 * n);
        calls.push(['scoreSumsAndMaxima', out, zeros, n, indptr, indices, values, maxima, list, 1, weight]);
      }
    } else this.kernels.memory.u8(out, 4 * n).fill(0);
    if (vectors !== undefined) {
      let own = plus(vectors, 4 * this.d * item);
      if (!this.cosine) {
        const alone = { positions: Int32Array.of(item), user: -1 };
        const terms = this.terms(number, [alone], [scratch.allocate(4 * n)], scratch);
        calls.push(...terms.calls);
        own = terms.users;
      }
      calls.push(this.products(market, out, 1, own, scratch));
    }
    return calls;
  }

  /** Adds the cosines, or products, of m vectors of users to their scores. */
  private products({ n, vectors, model }: LoadedMarket, out: Address, m: number, users: Address, scratch: Arena): Call {
    const factors = scratch.allocate(4 * m);
    return ['addCosines', out, m, n, this.d, vectors!, users, factors, model.cosineWeight, Number(this.cosine)];
  }

  explain(
    number: number,
    { positions, user }: History,
    { vector, counted }: LinearCosineEvidence,
    item: number,
    most: number,
  ): Explanation {
    const market = this.markets[number];
    const { model } = market;
    const { d } = this;
    const rows = (table: Address | undefined, count: number) =>
      table === undefined ? new Float32Array(0) : this.kernels.memory.f32(table, count * d);
    const scale = linearScale(model, positions.length);
    const u = rows(vector, 1);
    const foldIn = rows(market.foldIn, market.n);
    const vectors = rows(market.vectors, market.n);
    const share = vector === undefined ? 0 : this.cosineShare(model.cosineWeight, vector, u);
    const entries = Array.from(positions, (position) => linearEntry(model, position, item));
    const closest = largestOf(model.maxima, entries);
    const contributions = Float64Array.from(positions, (position, h) => {
      let contribution = entries[h] < 0 ? 0 : scale * model.linear!.values[entries[h]];
      if (h === closest) contribution += model.maxima![entries[h]];
      if (share !== 0 && counted > 0)
        contribution += (share * product(foldIn, position * d, vectors, item * d, d)) / counted;
      return contribution;
    });
    const because = largestFirst(contributions, most).map((h) => ({
      position: positions[h],
      contribution: contributions[h],
    }));
    const own =
      market.userVectors !== undefined && user >= 0
        ? share * product(rows(market.userVectors, model.users!.length), user * d, vectors, item * d, d)
        : undefined;
    return {
      because,
      ...(own !== undefined && { own }),
      ...(model.bias && { bias: model.bias[item] }),
    };
  }

  steps(number: number, { positions }: History, explained: number): number {
    const { model, foldIn } = this.markets[number];
    const { linear } = model;
    const d = foldIn === undefined ? 0 : this.d;
    let steps = positions.length * (d + LOOK_UP_STEPS) * (1 + explained);
    if (linear) for (const position of positions) steps += linear.indptr[position + 1] - linear.indptr[position];
    return steps;
  }

  /** cosineWeight / ‖u‖, or cosineWeight where scores are products. */
  private cosineShare(weight: number, vector: Address, u: Float32Array): number {
    if (!this.cosine) return weight;
    const square = this.kernels.exports.dot(vector, vector, this.d);
    if (square >= LEAST_SQUARE) return weight / Math.sqrt(product(u, 0, u, 0, u.length));
    // u is so short that the score's ‖u‖, in f32, is inexact or 0. Explain with that same ‖u‖.
    const norm = Math.fround(Math.sqrt(square));
    return norm > 0 ? Math.fround(weight) / norm : 0;
  }

  /** V of a market, n × d × f32. */
  protected vectorsOf(number: number): Address {
    return this.markets[number].vectors!;
  }

  private load(model: MarketModel): LoadedMarket {
    const job = `market ${model.name} of the model`;
    const put = (array: ArrayBufferView | undefined) => array && this.region.put(array, job);
    const putRows = (table: Table | undefined, unit = false) =>
      table && putTable(this.kernels, table, this.d, unit, job, this.region);
    const { linear } = model;
    const vectors = putRows(model.vectors, true);
    return {
      model,
      n: model.items.length,
      linear: linear && { indptr: put(linear.indptr)!, indices: put(linear.indices)!, values: put(linear.values)! },
      maxima: put(model.maxima),
      foldIn: putRows(model.foldIn) ?? vectors,
      vectors,
      bias: put(model.bias),
      userVectors: putRows(model.userVectors),
    };
  }

  /**
   * Prepares the linear terms and the vector of each of these users. There is at least one.
   * @param addresses of each user's linear terms, n × f32; nothing is written to them in a market without such terms
   */
  protected terms(
    number: number,
    histories: readonly History[],
    addresses: readonly Address[],
    scratch: Arena,
  ): LinearTerms {
    const { memory } = this.kernels;
    const market = this.markets[number];
    const { n, model, foldIn, vectors, linear, userVectors } = market;
    const { d } = this;
    const m = histories.length;
    const hasVectors = foldIn !== undefined && vectors !== undefined;
    const users = hasVectors ? scratch.allocateZeroed(4 * d * m) : NOWHERE;
    const total = histories.reduce((sum, { positions }) => sum + positions.length, 0);
    const lists = scratch.allocate(4 * total);
    const listed = memory.i32(lists, total);
    let at = 0;
    const each = histories.map(({ positions, user }, i): SubjectTerms => {
      const count = positions.length;
      const history = plus(lists, 4 * at);
      listed.set(positions, at);
      at += count;
      return {
        linear: linear ? addresses[i] : NOWHERE,
        history,
        count,
        factor: linear ? linearScale(model, count) : 0,
        vector: hasVectors && count > 0 ? plus(users, 4 * d * i) : NOWHERE,
        offset: userVectors === undefined || user < 0 ? NOWHERE : plus(userVectors, 4 * d * user),
        entries: 0,
        used: 0,
      };
    });
    const subjects = putStructs(scratch, SubjectTerms, each);
    const read = () =>
      readStructs(memory, SubjectTerms, subjects, m).map(({ vector: own, offset, entries, used }, i) => {
        const vector = used > 0 || (own !== NOWHERE && offset !== NOWHERE) ? plus(users, 4 * d * i) : undefined;
        return { vector, counted: used, informed: entries !== 0 || vector !== undefined };
      });
    const { indptr, indices, values } = linear ?? NO_LINEAR;
    const { maxima = NOWHERE } = market;
    const largest = maxima === NOWHERE ? NOWHERE : scratch.allocateZeroed(4 * n);
    const table = foldIn ?? NOWHERE;
    const calls: Call[] = [['termsBatch', m, n, d, indptr, indices, values, maxima, largest, table, subjects]];
    return { users, calls, read };
  }
}

/** linearWeight · |x|^(−linearPower) */
function linearScale({ linearWeight, linearPower }: MarketModel, count: number): number {
  return linearWeight * power(Math.max(1, count), -linearPower);
}

/** Σ_k a[i + k] · b[j + k] over d, in doubles. */
function product(a: Float32Array, i: number, b: Float32Array, j: number, d: number): number {
  let sum = 0;
  for (let k = 0; k < d; k++) sum += a[i + k] * b[j + k];
  return sum;
}

/** The indices of the `most` largest values, largest first, equal ones by lower index. */
function largestFirst(values: Float64Array, most: number): number[] {
  if (most >= values.length) return Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
  const largest: number[] = [];
  for (const [i, value] of values.entries()) {
    if (largest.length === most && !(value > values[largest[most - 1]])) continue;
    let at = Math.min(largest.length, most - 1);
    for (; at > 0 && value > values[largest[at - 1]]; at--) largest[at] = largest[at - 1];
    largest[at] = i;
  }
  return largest;
}

/** The index of S_ij among the entries of S, found by bisection; −1 if S has no such entry. */
function linearEntry({ linear }: MarketModel, i: number, j: number): number {
  if (!linear) return -1;
  let low = linear.indptr[i];
  let high = linear.indptr[i + 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (linear.indices[middle] < j) low = middle + 1;
    else high = middle;
  }
  return low < linear.indptr[i + 1] && linear.indices[low] === j ? low : -1;
}

/** The first of these entries of M with the largest value, if that is above 0; −1 otherwise. */
function largestOf(maxima: Float32Array | undefined, entries: readonly number[]): number {
  let found = -1;
  let largest = 0;
  for (const [h, entry] of entries.entries())
    if (maxima && entry >= 0 && maxima[entry] > largest) [found, largest] = [h, maxima[entry]];
  return found;
}
