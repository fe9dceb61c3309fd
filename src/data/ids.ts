import { MemoryError } from '../common/errors.ts';

const FIRST_SIZE = 1024;
/** Of all records: 2 GiB. */
const MAX_WORDS = 2 ** 29;
/** Words of a record before its text: the number, the length in code units. */
const HEAD = 2;

/**
 * Ids to be looked up together: UTF-16 code units two to a word, hashed as they are packed. What was packed keeps no
 * text alive.
 */
export class IdBatch {
  length = 0;
  /** (length) a hash of each id, its code units, and where its words begin. */
  readonly hashes: Int32Array;
  readonly units: Int32Array;
  readonly starts: Int32Array;
  words: Int32Array<ArrayBuffer>;
  private end = 0;

  constructor(most: number) {
    this.hashes = new Int32Array(most);
    this.units = new Int32Array(most);
    this.starts = new Int32Array(most);
    this.words = new Int32Array(4 * most);
  }

  add(id: string): void {
    const { length } = id;
    const count = (length + 1) >> 1;
    const start = this.end;
    this.end += count;
    this.words = atLeast(this.words, this.end);
    const { words } = this;
    let hash = length;
    for (let w = 0; w < count; w++) {
      const at = 2 * w;
      const word = at + 1 < length ? id.charCodeAt(at) | (id.charCodeAt(at + 1) << 16) : id.charCodeAt(at);
      words[start + w] = word;
      hash = Math.imul(hash ^ word, 0x2c1b3c6d);
      hash ^= hash >>> 15;
    }
    const place = this.length++;
    this.hashes[place] = hash;
    this.units[place] = length;
    this.starts[place] = start;
  }

  clear(): void {
    this.length = 0;
    this.end = 0;
  }
}

/**
 * Ids of files, numbered in the order in which they first come. A hash table over one array of packed code units: an id
 * that is there already is found without a string being made, hashed by the engine or kept, so that a field cut out of
 * a file's text never keeps that text alive.
 *
 * Memory: 2 bytes a unit and 24 to 42 an id (twice as much of each part just after it grew).
 *
 * @throws MemoryError for ids of more than 2 GiB in all.
 */
export class Ids {
  length = 0;
  /**
   * (2 · size) hash and 1 + start of the record of each slot; 0 where the slot is empty. At most half of the slots are
   * taken.
   */
  private slots = new Int32Array(2 * FIRST_SIZE);
  private mask = FIRST_SIZE - 1;
  private records = new Int32Array(8 * FIRST_SIZE);
  private end = 0;

  /** The number of id i of a batch, a new one for a new id. */
  number(batch: IdBatch, i: number): number {
    const { slots, mask, records } = this;
    const { words } = batch;
    const hash = batch.hashes[i];
    const units = batch.units[i];
    const from = batch.starts[i];
    const count = (units + 1) >> 1;
    let slot = hash & mask;
    for (; slots[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      if (slots[2 * slot] !== hash) continue;
      const start = slots[2 * slot + 1] - 1;
      if (records[start + 1] !== units) continue;
      let w = 0;
      while (w < count && records[start + HEAD + w] === words[from + w]) w++;
      if (w === count) return records[start];
    }
    return this.add(batch, i, slot);
  }

  /**
   * Reads what `number` would read first. Look-ups of a large table wait for memory, one after the other; called for a
   * whole batch in a loop that does nothing else, this lets the processor wait for all of them at once. Returns
   * something made of what was read, for the caller to keep: an engine leaves out reads that nobody needs.
   */
  touch(hash: number): number {
    const start = this.slots[2 * (hash & this.mask) + 1];
    return this.records[start];
  }

  /** The ids by number, each a string of its own. */
  list(): string[] {
    const ids = new Array<string>(this.length);
    // A plain array: engines spread a typed one several times as slowly.
    const units: number[] = [];
    for (let i = 0, start = 0; i < ids.length; i++) {
      const length = this.records[start + 1];
      units.length = 0;
      start += HEAD;
      for (let at = 0; at < length; at += 2) {
        const word = this.records[start++];
        units.push(word & 0xffff);
        if (at + 1 < length) units.push(word >>> 16);
      }
      ids[i] = String.fromCharCode(...units);
    }
    return ids;
  }

  private add(batch: IdBatch, i: number, slot: number): number {
    const number = this.length++;
    const start = this.end;
    const from = batch.starts[i];
    const count = (batch.units[i] + 1) >> 1;
    this.end = start + HEAD + count;
    if (this.end > MAX_WORDS) throw new MemoryError('the ids take more than 2 GiB in all');
    this.records = atLeast(this.records, this.end);
    this.records[start] = number;
    this.records[start + 1] = batch.units[i];
    for (let w = 0; w < count; w++) this.records[start + HEAD + w] = batch.words[from + w];
    this.slots[2 * slot] = batch.hashes[i];
    this.slots[2 * slot + 1] = start + 1;
    if (2 * this.length > this.mask) this.rehash();
    return number;
  }

  private rehash(): void {
    const old = this.slots;
    const mask = 2 * this.mask + 1;
    const slots = new Int32Array(2 * old.length);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue;
      let slot = old[at] & mask;
      while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
      slots[2 * slot] = old[at];
      slots[2 * slot + 1] = old[at + 1];
    }
    this.slots = slots;
    this.mask = mask;
  }
}

/** The same array, or a copy of at least twice its length where `length` does not fit. */
function atLeast(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const grown = new Int32Array(Math.max(length, 2 * array.length));
  grown.set(array);
  return grown;
}
