import { canonicalJson } from '../common/canonical-json.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { findFlaw, TILE, tileCount } from '../matrix/tiles.ts';
import type { Part } from './container.ts';
import { type Field, type Sizes, sizeOf, type TYPES, type Values } from './sections.ts';
import { findTableFlaw, isUnit, MAX_FLOAT, squaredLength, type Table } from './table.ts';

/** The bits of MAX_FLOAT as f32; of two f32 of one sign, the larger magnitude has the larger bits. */
const MAX_FLOAT_BITS = 0x4e6e6b28;

/**
 * The values of the fields that a part of a file has: views of its bytes, every one of them checked.
 *
 * @param sizes those that shapes are stated in; what a field defines is added
 * @throws ModelFileError naming section and byte, what was found and what was expected.
 */
export function readFields(fields: readonly Field[], part: Part, sizes: Sizes): Values {
  const values: Values = {};
  for (const field of fields) {
    const { name, type, sections, needs = [], defines, definesEntries } = field;
    const own = labelsOf(field);
    const missing = own.filter((label) => !part.has(label));
    // A required field is read, and found missing, where its sections are asked for.
    if (field.required || missing.length < own.length) {
      for (const needed of fields) if (needs.includes(needed.name)) missing.push(...labelsOf(needed));
      const alone = missing.filter((label) => !part.has(label));
      const there = own.find((label) => part.has(label));
      if (alone.length > 0 && there !== undefined)
        part.refuse(there, 'the section alone', `with it ${alone.map((label) => `"${label}"`).join(', ')}`);
      const value = new Reader(part, field, sizes)[type]();
      if (field.scalars) Object.assign(values, value);
      else values[name] = value;
      if (defines) sizes[defines] = (value as ArrayLike<unknown>).length;
      if (definesEntries) sizes[definesEntries] = (value as SparseMatrix).indices.length;
    }
    if (type === 'table') {
      const [label, scales] = Object.values(sections);
      if (part.has(scales) && !(part.has(label) && part.section(label).dtype === 'int8'))
        part.refuse(scales, 'scales', `none, since "${label}" is not int8`);
    }
  }
  return values;
}

/** The sections that a field has whenever it is there: all but the scales of a table. */
const labelsOf = ({ type, sections }: Field) => Object.values(sections).slice(0, type === 'table' ? 1 : undefined);

/** Reads one field: a method for each type. */
class Reader implements Record<keyof typeof TYPES, () => unknown> {
  private readonly rows: number | undefined;
  private readonly cols: number;
  private readonly labels: string[];
  private readonly label: string;

  constructor(
    private readonly part: Part,
    private readonly field: Field,
    sizes: Sizes,
  ) {
    this.labels = Object.values(field.sections);
    this.rows = sizeOf(field.rows, sizes);
    this.cols = sizeOf(field.cols ?? 1, sizes);
    [this.label] = this.labels;
  }

  i32(): Int32Array {
    return this.integers(this.label, this.rows, this.cols);
  }

  u32(): Uint32Array {
    return this.counts(this.label, this.rows, this.cols);
  }

  f32(): Float32Array {
    return this.floats(this.label, this.rows, this.cols);
  }

  positions(): Int32Array {
    const positions = this.integers(this.label, this.rows, 1);
    this.checkIncreasing(this.label, positions, 0, positions.length);
    return positions;
  }

  scalars(): Record<string, number> {
    const least = Object.entries(this.field.scalars!);
    this.part.view(this.label, least.length, 1);
    const { offset } = this.part.section(this.label);
    return Object.fromEntries(
      least.map(([name, low], i) => {
        const value = this.part.header.view.getFloat64(offset + 8 * i, true);
        if (!(Math.abs(value) <= MAX_FLOAT))
          this.part.refuse(this.label, value, 'finite values up to 1e9 in magnitude', 8 * i);
        if (value < low) this.part.refuse(this.label, `${words(name)} ${value}`, `${low} or more`, 8 * i);
        return [name, value];
      }),
    );
  }

  text(): string {
    this.part.view(this.label, undefined, 1);
    return this.decode(this.label, 0, this.part.section(this.label).bytes);
  }

  json(): Record<string, unknown> {
    const text = this.text();
    let value: unknown;
    let canonical = '';
    try {
      value = JSON.parse(text);
      canonical = canonicalJson(value);
    } catch (error) {
      this.part.refuse(this.label, 'text that is not plain JSON', `a JSON object (${(error as Error).message})`);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      this.part.refuse(this.label, 'another JSON value', 'a JSON object');
    if (canonical !== text) this.part.refuse(this.label, 'JSON in another form', 'sorted keys and no white space');
    return value as Record<string, unknown>;
  }

  texts(): Record<string, (string | null)[]> {
    const lists = this.json();
    for (const [name, list] of Object.entries(lists))
      if (
        !Array.isArray(list) ||
        list.length !== this.rows ||
        !list.every((value) => value === null || typeof value === 'string')
      )
        this.part.refuse(this.label, `another "${name}"`, `a list of ${this.rows} texts or nulls`);
    return lists as Record<string, (string | null)[]>;
  }

  ids(): string[] {
    const [label, offsetLabel] = this.labels;
    this.part.view(label, undefined, 1);
    const { bytes } = this.part.section(label);
    const offsets = this.counts(offsetLabel, undefined, 1);
    const count = offsets.length - 1;
    if (count < 0) this.part.refuse(offsetLabel, 'no offset', 'one more than there are ids');
    if (offsets[0] !== 0) this.part.refuse(offsetLabel, offsets[0], '0 as the first offset');
    for (let i = 0; i < count; i++) {
      if (offsets[i + 1] < offsets[i])
        this.part.refuse(offsetLabel, `${offsets[i + 1]} after ${offsets[i]}`, 'offsets that never fall', 4 * (i + 1));
    }
    if (offsets[count] !== bytes)
      this.part.refuse(offsetLabel, offsets[count], `${bytes}, the bytes of the ids, as the last offset`, 4 * count);
    const all = this.decode(label, 0, bytes);
    // One code unit a byte: ASCII, whose ids are slices of the whole. Else each id has to be valid by itself.
    const ascii = all.length === bytes;
    const ids: string[] = new Array(count);
    for (let i = 0; i < count; i++) {
      ids[i] = ascii ? all.slice(offsets[i], offsets[i + 1]) : this.decode(label, offsets[i], offsets[i + 1]);
      if (i > 0 && !(ids[i - 1] < ids[i])) {
        this.part.refuse(
          label,
          `id ${JSON.stringify(ids[i].slice(0, 80))} after ${JSON.stringify(ids[i - 1].slice(0, 80))}`,
          'unique ids in order',
          offsets[i],
        );
      }
    }
    return ids;
  }

  pattern(): SparsePattern {
    const [indptrLabel, indexLabel] = this.labels;
    const rows = this.rows!;
    const indptr = this.integers(indptrLabel, rows + 1, 1);
    const indices = this.integers(indexLabel, undefined, 1);
    if (indptr[0] !== 0) this.part.refuse(indptrLabel, indptr[0], '0 as the first entry');
    for (let r = 0; r < rows; r++) {
      if (indptr[r + 1] < indptr[r])
        this.part.refuse(indptrLabel, `${indptr[r + 1]} after ${indptr[r]}`, 'entries that never fall', 4 * (r + 1));
    }
    if (indptr[rows] !== indices.length)
      this.part.refuse(
        indptrLabel,
        indptr[rows],
        `${indices.length}, the number of indices, as the last entry`,
        4 * rows,
      );
    for (let r = 0; r < rows; r++) this.checkIncreasing(indexLabel, indices, indptr[r], indptr[r + 1]);
    return { rows, cols: this.cols, indptr, indices };
  }

  matrix(): SparseMatrix {
    const pattern = this.pattern();
    return { ...pattern, values: this.floats(this.labels[2], pattern.indices.length, 1) };
  }

  table(): Table {
    const { label, part, cols } = this;
    const rows = this.rows!;
    const [, scales] = this.labels;
    const { dtype } = part.section(label);
    if (cols === 0) part.refuse(label, 'vectors in a model of dimension 0', 'a dimension of at least 1');
    let table: Table;
    let size = 4;
    if (dtype === 'f32') table = this.f32();
    else {
      const view = part.view(label, rows, cols);
      table =
        dtype === 'f16'
          ? new Uint16Array(...view)
          : { values: new Int8Array(...view), scales: this.floats(scales, rows, 1) };
      size = dtype === 'f16' ? 2 : 1;
      const flaw = findTableFlaw(table);
      if (flaw?.part === '.scales') part.refuse(scales, flaw.found, flaw.expected, 4 * flaw.index);
      if (flaw) part.refuse(label, flaw.found, flaw.expected, size * flaw.index);
    }
    for (let r = 0; this.field.unit && r < rows; r++) {
      const square = squaredLength(table, cols, r);
      if (!isUnit(square))
        part.refuse(label, `a row of squared length ${square}`, 'rows of length 1 or 0', size * r * cols);
    }
    return table;
  }

  tiles(): Float32Array {
    const rows = this.rows!;
    const tiles = this.floats(this.label, tileCount(rows), TILE * TILE);
    const flaw = findFlaw(tiles, rows);
    if (flaw !== undefined)
      this.part.refuse(this.label, tiles[flaw], 'a diagonal below 0, and the padding of −I', 4 * flaw);
    return tiles;
  }

  private integers(label: string, rows: number | undefined, cols: number): Int32Array {
    return new Int32Array(...this.part.view(label, rows, cols));
  }

  private counts(label: string, rows: number | undefined, cols: number): Uint32Array {
    return new Uint32Array(...this.part.view(label, rows, cols));
  }

  private floats(label: string, rows: number | undefined, cols: number): Float32Array {
    const bits = this.counts(label, rows, cols);
    for (let i = 0; i < bits.length; i++) {
      if ((bits[i] & 0x7fffffff) > MAX_FLOAT_BITS)
        this.part.refuse(
          label,
          'a value that is not finite, or above 1e9 in magnitude',
          'finite values up to 1e9',
          4 * i,
        );
    }
    return new Float32Array(bits.buffer, bits.byteOffset, bits.length);
  }

  private checkIncreasing(label: string, values: Int32Array, from: number, to: number): void {
    let last = -1;
    for (let i = from; i < to; i++) {
      const value = values[i];
      if (value <= last || value >= this.cols)
        this.part.refuse(label, `${value} after ${last}`, `indices that rise and stay below ${this.cols}`, 4 * i);
      last = value;
    }
  }

  private decode(label: string, from: number, to: number): string {
    const { header } = this.part;
    const { offset } = this.part.section(label);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        header.bytes.subarray(offset + from, offset + to),
      );
    } catch {
      return this.part.refuse(label, 'bytes that are not UTF-8', 'UTF-8', from);
    }
  }
}

/** linearPower → linear power */
const words = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
