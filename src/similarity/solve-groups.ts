// The parts of EASE by groups (groups.ts) that can be made one by one, on any machine: what is known of the catalogue,
// and the columns of a range of groups.
import { ArgumentError, checkInteger, checkNumber } from '../common/errors.ts';
import { type Address, type Pointer, plus } from '../engine/address.ts';
import { ItemGroup } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { allocateStructs, readStructs, structAt, writeStruct } from '../engine/struct.ts';
import { ranges, runTasks } from '../engine/tasks.ts';
import type { Kernels, Task } from '../engine/types.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { type Catalogue, type CoPurchaseOptions, coPurchaseBytes, type Prior, putCoPurchases } from './co-purchases.ts';
import type { SimilarColumn } from './similar-columns.ts';
import { notPositive } from './sweep.ts';

/**
 * Tasks under way for each thread, and groups of a task: about 20 ms, so that a page draws in between, and no thread
 * waits long for the slowest.
 */
const TASKS_PER_THREAD = 4;
const GROUPS_PER_TASK = 8;

/** Chosen by ranking on real and generated data (docs/internals/ease.md). */
const DEFAULTS = { group: 32, most: 224, width: 32, core: 1024 };

export interface GroupEaseOptions {
  lambda: number;
  /** Entries of B̂ below ε are dropped. */
  epsilon: number;
  /** Of each column, the most entries that are kept: the largest. Default: all. */
  nearest?: number;
  /** Items of a group. */
  group?: number;
  /** Other items in the system of a group. */
  most?: number;
  /** Items that are looked at for each item of a group. */
  width?: number;
  /** Items whose shared users are counted once for all groups: 4 core² bytes. No other effect. */
  core?: number;
  /** The mean that columns shrink to: min ‖X − XB‖² + λ‖B − s B̂‖², diag B = 0. */
  prior?: Prior;
}

/** A catalogue whose groups are to be solved, in linear memory until the caller's mark is released. */
export interface OpenGroups {
  catalogue: Catalogue;
  counted: CoPurchaseOptions;
  shape: Shape;
  options: Required<Pick<GroupEaseOptions, 'epsilon' | 'nearest' | 'most'>>;
}

/** How many groups there are. */
export const groupCount = ({ shape }: OpenGroups) => Math.ceil(shape.n / shape.group);

/**
 * Checks the options, asks for the memory of the whole, and puts all that groups share into linear memory, the lists
 * empty (`findNearest`).
 * @param X users × items; @param transposed Xᵀ.
 * @throws ArgumentError, MemoryError and AbortedError as `groupEase`.
 */
export async function openGroups(
  context: StageContext,
  X: SparsePattern,
  transposed: SparsePattern,
  options: GroupEaseOptions,
): Promise<OpenGroups> {
  const { kernels, name } = context;
  const { memory, pool } = kernels;
  const n = X.cols;
  const { lambda, epsilon, nearest = n, prior } = options;
  const { group, most, width, core } = { ...DEFAULTS, ...options };
  checkNumber('lambda', lambda, 1e-6, 1e9);
  checkNumber('epsilon', epsilon, -1e9, 1e9);
  checkInteger('nearest', nearest, 0, 2 ** 31 - 1);
  checkInteger('group', group, 1, 1024);
  checkInteger('most', most, 0, 32_768);
  checkInteger('width', width, 1, 32_768);
  checkInteger('core', core, 0, 32_768);
  if (prior) {
    checkNumber('prior.strength', prior.strength, 0, 1e9);
    const { rows, cols } = prior.similarity;
    if (rows !== n || cols !== n)
      throw ArgumentError.because('prior', `it is ${rows} × ${cols} over a catalogue of ${n} items`);
  }
  const slots = pool ? TASKS_PER_THREAD * pool.threads : 1;
  const counted: CoPurchaseOptions = { lambda, core: Math.min(core, n), width: Math.min(width, n), prior, slots };
  const shape = shapeOf(X, group, most, counted);
  memory.require(bytesOf(X, counted, shape), `${name} on ${n} items`);
  const catalogue = await putCoPurchases(context, X, transposed, counted);
  return { catalogue, counted, shape, options: { epsilon, nearest, most } };
}

/**
 * Solves the groups [first, last), each with the lists of its own members.
 * @param grouped (n) ranks, group after group, as `groupAlike` gives them
 * @param diagonal n × f32: C_jj of the members by rank
 * @param columns gets B̂'s column of each member, by item
 */
export async function solveGroups(
  context: StageContext,
  { catalogue: { all, order }, counted: { slots }, shape, options: { epsilon, nearest, most } }: OpenGroups,
  grouped: Uint32Array,
  [firstGroup, lastGroup]: readonly [first: number, last: number],
  diagonal: Address,
  columns: SimilarColumn[],
): Promise<void> {
  const { kernels, name } = context;
  const { memory } = kernels;
  const { n, group } = shape;
  const mark = memory.mark();
  const members = memory.put(grouped, name);
  const workplaces = Array.from({ length: slots }, () => allocateSlot(kernels, shape, name));
  const groups = ranges(n, group).slice(firstGroup, lastGroup);
  for (const [begin, end] of ranges(groups.length, slots * GROUPS_PER_TASK)) {
    const parts = ranges(end - begin, GROUPS_PER_TASK);
    await runTasks(
      kernels,
      parts.map(
        ([first, last], s): Task =>
          groups.slice(begin + first, begin + last).flatMap(([from, to], g) => {
            const { group: own, fixed, indices, values, ends } = workplaces[s];
            const at = structAt(ItemGroup, own, g);
            writeStruct(memory, ItemGroup, at, {
              ...fixed,
              members: plus(members, 4 * from),
              count: to - from,
              most: Math.min(most, n),
            });
            const room = 4 * group * (shape.size + shape.longest) * g;
            return [
              ['chooseItems', all, at],
              ['solveGroup', all, at],
              [
                'keepColumns',
                all,
                at,
                epsilon,
                nearest,
                plus(indices, room),
                plus(values, room),
                plus(ends, 4 * group * g),
                diagonal,
              ],
            ];
          }),
      ),
      (finished) => context.tick(Math.min(end, begin + GROUPS_PER_TASK * finished), groups.length),
    );
    for (const [s, [first, last]] of parts.entries()) {
      for (const [g, range] of groups.slice(begin + first, begin + last).entries())
        readColumns(kernels, workplaces[s], shape, g, range, grouped, order, columns);
    }
  }
  memory.release(mark);
}

/** What the arrays' sizes depend on. */
export interface Shape {
  n: number;
  users: number;
  /** Rows of the largest system. */
  size: number;
  group: number;
  width: number;
  /** Right sides of a column. */
  sides: number;
  /** Entries of the prior's longest column. */
  longest: number;
}

const roundUp = (rows: number) => 8 * Math.ceil(rows / 8);

function shapeOf(X: SparsePattern, group: number, most: number, { width, prior }: CoPurchaseOptions): Shape {
  return {
    n: X.cols,
    users: X.rows,
    size: roundUp(Math.min(X.cols, most + group)),
    group,
    width,
    sides: prior ? 2 : 1,
    longest: prior ? longestColumn(prior.similarity) : 0,
  };
}

function bytesOf(X: SparsePattern, counted: CoPurchaseOptions, shape: Shape): number {
  return coPurchaseBytes(X, counted) + 4 * X.cols + counted.slots * slotBytes(shape);
}

/** Linear memory, in bytes, that `groupEase` without a prior asks for on one thread, without its result. */
export function groupEaseBytes(X: SparsePattern, options: { group?: number; most?: number } = {}): number {
  const { group, most } = { ...DEFAULTS, ...options };
  const counted: CoPurchaseOptions = {
    lambda: 1,
    core: Math.min(DEFAULTS.core, X.cols),
    width: Math.min(DEFAULTS.width, X.cols),
    slots: 1,
  };
  return bytesOf(X, counted, shapeOf(X, group, most, counted));
}

function longestColumn({ cols, indices }: SparseMatrix): number {
  const counts = new Int32Array(cols);
  for (const column of indices) counts[column]++;
  return counts.reduce((most, count) => Math.max(most, count), 0);
}

/** Where a task works, and where its groups leave what they keep. */
interface Slot {
  /** GROUPS_PER_TASK structs. */
  group: Pointer<ItemGroup>;
  /** What all of these say. */
  fixed: Omit<ItemGroup, 'members' | 'count' | 'most'>;
  /** For each of the groups group · (size + longest) u32 and f32, and `group` u32. */
  indices: Address;
  values: Address;
  ends: Address;
}

function panelBytes({ size, group, sides }: Shape): number {
  return 32 * size * (size / 8 + sides * Math.ceil(group / 8));
}

function slotBytes(shape: Shape): number {
  const { n, users, size, group, width, longest } = shape;
  const kept = GROUPS_PER_TASK * (8 * group * (size + longest) + 4 * group + ItemGroup.bytes);
  return panelBytes(shape) + kept + 6 * n + users / 8 + 8 * (size + group) + 4 * group * width + 20_000;
}

function allocateSlot({ exports, memory }: Kernels, shape: Shape, name: string): Slot {
  const { n, users, size, group, width, longest } = shape;
  const room = 4 * GROUPS_PER_TASK * group * (size + longest);
  return {
    group: allocateStructs(memory, ItemGroup, GROUPS_PER_TASK, name),
    fixed: {
      chosen: memory.allocate(4 * size, name),
      others: 0,
      coreOthers: 0,
      failed: 0,
      reached: memory.allocate(4 * (group * width + 1), name),
      sums: memory.allocateZeroed(4 * n, name),
      places: memory.allocateZeroed(2 * n, name),
      seen: memory.allocate(4 * Math.ceil(users / 32), name),
      panels: memory.allocate(panelBytes(shape), name),
      scratch: memory.allocate(Math.max(exports.solveScratchBytes(), 4 * (size + group + 1)), name),
    },
    indices: memory.allocate(room, name),
    values: memory.allocate(room, name),
    ends: memory.allocate(4 * GROUPS_PER_TASK * group, name),
  };
}

/** The kept columns of the g-th group of a task, by item. */
function readColumns(
  { memory }: Kernels,
  slot: Slot,
  { size, group, longest }: Shape,
  g: number,
  [from, to]: [from: number, to: number],
  grouped: Uint32Array,
  order: Int32Array,
  columns: SimilarColumn[],
): void {
  const [{ failed }] = readStructs(memory, ItemGroup, structAt(ItemGroup, slot.group, g), 1);
  if (failed > 0) throw notPositive(order[failed - 1]);
  const ends = memory.u32(plus(slot.ends, 4 * group * g), to - from);
  const kept = ends[to - from - 1];
  const room = 4 * group * (size + longest) * g;
  const indices = Int32Array.from(memory.u32(plus(slot.indices, room), kept), (rank) => order[rank]);
  const values = memory.f32(plus(slot.values, room), kept).slice();
  let start = 0;
  for (const [m, end] of ends.entries()) {
    columns[order[grouped[from + m]]] = { indices: indices.subarray(start, end), values: values.subarray(start, end) };
    start = end;
  }
}
