// EASE by groups, in jobs (similarity/groups.ts): `nearest` makes the lists of a range of items, `order` puts items
// into
// groups by all of them, which is the one barrier, `solve` makes the columns of a range of groups, `join` the matrix.
import { ArgumentError, M3RecError } from '../../common/errors.ts';
import type { Kernels } from '../../engine/types.ts';
import type { SparseMatrix, SparsePattern } from '../../matrix/sparse.ts';
import { codecOf } from '../../models/artefact.ts';
import { bothWays, type Interactions, mergeInteractions } from '../../models/interactions.ts';
import { othersOf } from '../../models/transfer/others.ts';
import { findNearest } from '../../similarity/co-purchases.ts';
import { groupAlike } from '../../similarity/grouping.ts';
import { joinColumns, type SimilarColumn } from '../../similarity/similar-columns.ts';
import { type OpenGroups, openGroups, solveGroups } from '../../similarity/solve-groups.ts';
import { decodeRows } from '../data-blobs.ts';
import { digestOfValue } from '../digest.ts';
import type { JobContext, JobInput, JobKind } from '../job-kind.ts';
import { integerOf, objectOf, rangeOf, textOf } from '../params.ts';
import type { Params } from '../plan.ts';

/** Lists of items (similarity/co-purchases.ts), `width` numbers and gains of each. */
interface Lists {
  rows: number;
  width: number;
  nearest: Uint32Array;
  gains: Float32Array;
}

const listsCodec = codecOf<Lists>({
  name: 'nearest items',
  fields: [
    {
      name: 'nearest',
      type: 'u32',
      sections: { 2: 'nearest' },
      use: 'other',
      rows: 'items',
      cols: 'width',
      required: true,
    },
    {
      name: 'gains',
      type: 'f32',
      sections: { 3: 'gains' },
      use: 'other',
      rows: 'items',
      cols: 'width',
      required: true,
    },
  ],
  sizesOf: ({ rows, width }) => ({ items: rows, width }),
  build: ({ nearest, gains }, { items, width }) => ({
    rows: items,
    width,
    nearest: nearest as Uint32Array,
    gains: gains as Float32Array,
  }),
});

const orderCodec = codecOf<{ grouped: Uint32Array }>({
  name: 'groups',
  fields: [{ name: 'grouped', type: 'u32', sections: { 2: 'grouped' }, use: 'other', rows: 'items', required: true }],
  sizesOf: ({ grouped }) => ({ items: grouped.length, width: 1 }),
  build: ({ grouped }) => ({ grouped: grouped as Uint32Array }),
});

/** Columns of B̂: of each item where its entries end, and these. */
interface Columns {
  items: Int32Array;
  ends: Int32Array;
  indices: Int32Array;
  values: Float32Array;
}

const columnsCodec = codecOf<Columns>({
  name: 'columns',
  fields: [
    { name: 'items', type: 'i32', sections: { 2: 'items' }, use: 'items', rows: 'items', required: true },
    { name: 'ends', type: 'i32', sections: { 3: 'ends' }, use: 'other', rows: 'items', required: true },
    { name: 'indices', type: 'i32', sections: { 4: 'indices' }, use: 'similarities', rows: 'width', required: true },
    { name: 'values', type: 'f32', sections: { 5: 'values' }, use: 'similarities', rows: 'width', required: true },
  ],
  sizesOf: ({ items, indices }) => ({ items: items.length, width: indices.length }),
  build: ({ items, ends, indices, values }) => ({ items, ends, indices, values }) as Columns,
});

const matrixCodec = codecOf<{ matrix: SparseMatrix }>({
  name: 'matrix',
  fields: [
    {
      name: 'matrix',
      type: 'matrix',
      sections: { 2: 'indptr', 3: 'indices', 4: 'values' },
      use: 'similarities',
      rows: 'items',
      cols: 'width',
      required: true,
    },
  ],
  sizesOf: ({ matrix: { rows, cols } }) => ({ items: rows, width: cols }),
  build: ({ matrix }) => ({ matrix: matrix as SparseMatrix }),
});
const encodeMatrix = (matrix: SparseMatrix) => matrixCodec.encode({ matrix });
export const decodeMatrix = (bytes: Uint8Array): SparseMatrix => matrixCodec.decode(bytes).matrix;

/** Where X comes from: the inputs of interactions, the market's own first where it is of one. */
export type Scope = 'own' | 'others' | 'merged';

/**
 * What all jobs of one similarity have in common.
 * Their inputs: `count` of interactions, then the prior where `strength` is given.
 */
export interface SimilarityParams extends Record<string, unknown> {
  scope: Scope;
  /** Inputs of interactions. */
  count: number;
  /** Items of the catalogue. */
  items: number;
  /** Of `groupEase`, without its prior. */
  systems: Record<string, number>;
  /** Of the prior. */
  strength?: number;
}

/** X of a job. */
export async function interactionsOf(params: Params, inputs: readonly JobInput[]): Promise<SparsePattern> {
  const count = integerOf(params, 'count', 1, inputs.length);
  const catalogue = integerOf(params, 'items', 1);
  const scope = textOf(params, 'scope');
  const rows = [];
  for (const input of inputs.slice(0, count)) rows.push(decodeRows(await input.bytes(), catalogue));
  if (scope === 'own') return rows[0].interactions;
  const markets = rows.map((each, number) => ({ name: `market ${number}`, users: [], heldOut: {}, ...each }));
  const all = { items: { length: catalogue } as string[], markets };
  if (scope === 'others') return othersOf(all)(0).X;
  if (scope === 'merged') return mergeInteractions(all);
  throw new ArgumentError('params.scope', scope, 'own, others or merged');
}

/** The catalogue of a job in linear memory, or where it is there from the job before. */
async function catalogueOf(params: Params, inputs: readonly JobInput[], context: JobContext) {
  const shared = integerOf(params, 'count', 1, inputs.length) + (params.strength === undefined ? 0 : 1);
  if (inputs.length < shared) throw new ArgumentError('inputs', inputs.length, `${shared} or more`);
  const { range, ...same } = params;
  const key = digestOfValue({ params: same, inputs: inputs.slice(0, shared).map(({ digest }) => digest) });
  const open = async (kernels: Kernels): Promise<OpenGroups> => {
    const start = performance.now();
    const interactions = bothWays(kernels, await interactionsOf(params, inputs));
    const opened = await openGroups(
      context.stage(kernels, 'similarity', 'similarity'),
      interactions.X,
      interactions.transposed,
      {
        ...(objectOf(params, 'systems') as Record<string, number> & { lambda: number; epsilon: number }),
        ...(params.strength !== undefined && {
          prior: {
            similarity: decodeMatrix(await inputs[shared - 1].bytes()),
            strength: params.strength as number,
          },
        }),
      },
    );
    context.measured('opening', Number(((performance.now() - start) / 1000).toFixed(3)));
    return opened;
  };
  return { shared, ...(await context.warm(key, open)) };
}

/** Lists of the items of ranks `range`. Further inputs: none. Outputs: the lists. */
export const nearestJob: JobKind = {
  name: 'nearest',
  version: 1,
  async run(params, inputs, context) {
    const { kernels, value: open } = await catalogueOf(params, inputs, context);
    const { catalogue, counted, shape } = open;
    const [begin, end] = rangeOf(params, shape.n);
    await findNearest(context.stage(kernels, 'nearest items', 'nearest'), catalogue, [begin, end], counted.slots);
    const { width } = counted;
    const from = begin * width;
    const to = end * width;
    const nearest = kernels.memory.u32(catalogue.nearest, shape.n * width).slice(from, to);
    const gains = kernels.memory.f32(catalogue.gains, shape.n * width).slice(from, to);
    return [listsCodec.encode({ rows: end - begin, width, nearest, gains })];
  },
};

/**
 * Inputs: the lists of all ranks, in order. Outputs: the items by groups, then for each of `cuts` (first groups of a
 * job,
 * and the number of groups) the lists of its members.
 */
export const orderJob: JobKind = {
  name: 'order',
  version: 1,
  async run(params, inputs) {
    const group = integerOf(params, 'group', 1, 1024);
    const n = integerOf(params, 'items', 1);
    const width = integerOf(params, 'width', 1, 32_768);
    const { cuts } = params;
    const nearest = new Uint32Array(n * width);
    const gains = new Float32Array(n * width);
    let at = 0;
    for (const input of inputs) {
      const lists = listsCodec.decode(await input.bytes());
      if (lists.width !== width || at + lists.rows > n)
        throw new M3RecError('lists of another shape than the plan says');
      nearest.set(lists.nearest, at * width);
      gains.set(lists.gains, at * width);
      at += lists.rows;
    }
    if (at !== n) throw new M3RecError(`lists of ${at} items, expected ${n}`);
    if (nearest.some((rank) => rank >= n)) throw new M3RecError('a list names an item that is not there');
    const grouped = groupAlike(n, width, nearest, gains, group);
    const outputs = [orderCodec.encode({ grouped })];
    if (!Array.isArray(cuts)) throw new ArgumentError('params.cuts', cuts, 'a list of numbers of groups');
    for (const [begin, end] of cuts.slice(1).map((last, i) => [cuts[i] as number, last as number])) {
      const members = grouped.subarray(begin * group, Math.min(n, end * group));
      const lists = {
        rows: members.length,
        width,
        nearest: new Uint32Array(members.length * width),
        gains: new Float32Array(members.length * width),
      };
      for (const [m, rank] of members.entries()) {
        lists.nearest.set(nearest.subarray(rank * width, (rank + 1) * width), m * width);
        lists.gains.set(gains.subarray(rank * width, (rank + 1) * width), m * width);
      }
      outputs.push(listsCodec.encode(lists));
    }
    return outputs;
  },
};

/** Columns of the groups `range`. Further inputs: the items by groups, and the lists of the members of these groups. */
export const solveJob: JobKind = {
  name: 'solve',
  version: 1,
  async run(params, inputs, context) {
    const { shared, kernels, value: open } = await catalogueOf(params, inputs, context);
    const { catalogue, counted, shape } = open;
    const { memory } = kernels;
    const { n, group } = shape;
    const { width } = counted;
    const [begin, end] = rangeOf(params, Math.ceil(n / group));
    if (inputs.length !== shared + 2) throw new ArgumentError('inputs', inputs.length, `${shared + 2}`);
    const { grouped } = orderCodec.decode(await inputs[shared].bytes());
    const lists = listsCodec.decode(await inputs[shared + 1].bytes());
    const members = grouped.subarray(begin * group, Math.min(n, end * group));
    if (grouped.length !== n || lists.rows !== members.length || lists.width !== width)
      throw new M3RecError('groups or lists of another shape than the plan says');
    if (grouped.some((rank) => rank >= n) || lists.nearest.some((rank) => rank >= n))
      throw new M3RecError('a group or a list names an item that is not there');
    const nearest = memory.u32(catalogue.nearest, n * width);
    const gains = memory.f32(catalogue.gains, n * width);
    for (const [m, rank] of members.entries()) {
      nearest.set(lists.nearest.subarray(m * width, (m + 1) * width), rank * width);
      gains.set(lists.gains.subarray(m * width, (m + 1) * width), rank * width);
    }
    const columns: SimilarColumn[] = [];
    const mark = memory.mark();
    const diagonal = memory.allocate(4 * n, 'solve');
    await solveGroups(context.stage(kernels, 'groups', 'groups'), open, grouped, [begin, end], diagonal, columns);
    memory.release(mark);
    const items = Int32Array.from(members, (rank) => catalogue.order[rank]);
    return [columnsCodec.encode(packColumns(items, columns))];
  },
};

function packColumns(items: Int32Array, columns: readonly SimilarColumn[]): Columns {
  const ends = new Int32Array(items.length);
  let entries = 0;
  for (const [i, item] of items.entries()) {
    entries += columns[item].indices.length;
    ends[i] = entries;
  }
  const indices = new Int32Array(entries);
  const values = new Float32Array(entries);
  let at = 0;
  for (const item of items) {
    indices.set(columns[item].indices, at);
    values.set(columns[item].values, at);
    at += columns[item].indices.length;
  }
  return { items, ends, indices, values };
}

/** The columns of all inputs, by item. @throws M3RecError unless there is one for each of n items. */
export async function columnsOf(inputs: readonly JobInput[], n: number): Promise<SimilarColumn[]> {
  const columns: SimilarColumn[] = new Array(n);
  const fail = () => {
    throw new M3RecError('columns that are no columns of this catalogue');
  };
  let found = 0;
  for (const input of inputs) {
    const { items, ends, indices, values } = columnsCodec.decode(await input.bytes());
    if (!indices.every((item) => item >= 0 && item < n)) fail();
    let start = 0;
    for (const [i, item] of items.entries()) {
      const end = ends[i];
      if (!(item >= 0 && item < n) || columns[item] !== undefined || end < start || end > indices.length) fail();
      columns[item] = { indices: indices.subarray(start, end), values: values.subarray(start, end) };
      start = end;
      found++;
    }
    if (start !== indices.length) fail();
  }
  if (found !== n) fail();
  return columns;
}

/** Inputs: the columns of all groups. Outputs: B̂. */
export const joinJob: JobKind = {
  name: 'join',
  version: 1,
  async run(params, inputs, context) {
    const n = integerOf(params, 'items', 1);
    const { kernels } = await context.warm('join', () => undefined);
    return [encodeMatrix(joinColumns(kernels, await columnsOf(inputs, n)))];
  },
};

/** X both ways, for jobs that go on from a similarity. */
export const bothWaysOf = async (
  kernels: Kernels,
  params: Params,
  inputs: readonly JobInput[],
): Promise<Interactions> => bothWays(kernels, await interactionsOf(params, inputs));
