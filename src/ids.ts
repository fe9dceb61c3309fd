import { MemoryError } from './errors.ts';

const FIRST_SIZE = 1024;
/** Of all records: beyond, their starts would not fit in 32 bits. */
const MAX_UNITS = 2 ** 30;
/** Units of a record before its text: the number's lower and upper half, the length. */
const HEAD = 3;

/**
 * Ids of files, numbered in the order in which they first come. A hash table over one array of UTF-16 code units: an id that is
 * there already is found without a string being made, hashed by the engine or kept, so that a field cut out of a file's text never
 * keeps that text alive.
 *
 * Memory: 2 bytes a unit and 22 to 38 an id (twice as much of each part just after it grew).
 *
 * @throws MemoryError for ids of more than 2³⁰ units in all.
 */
export class Ids {
  length = 0;
  /** (2 · size) hash and 1 + start of the record of each slot; 0 where the slot is empty. At most half of the slots are taken. */
  private slots = new Int32Array(2 * FIRST_SIZE);
  private mask = FIRST_SIZE - 1;
  private records = new Uint16Array(16 * FIRST_SIZE);
  private end = 0;

  /** The number of an id, a new one for a new id. hash: its hashOf. */
  number(id: string, hash = hashOf(id)): number {
    const { slots, mask, records } = this;
    const { length } = id;
    let slot = hash & mask;
    for (; slots[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      if (slots[2 * slot] !== hash) continue;
      const start = slots[2 * slot + 1] - 1;
      if (records[start + 2] !== length) continue;
      let i = 0;
      while (i < length && records[start + HEAD + i] === id.charCodeAt(i)) i++;
      if (i === length) return records[start] | (records[start + 1] << 16);
    }
    return this.add(id, hash, slot);
  }

  /**
   * Reads what `number` would read first. Look-ups of a large table wait for memory, one after the other; called for many hashes
   * in a loop that does nothing else, this lets the processor wait for all of them at once. Returns something made of what was
   * read, for the caller to keep: an engine leaves out reads that nobody needs.
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
      const end = start + HEAD + this.records[start + 2];
      units.length = 0;
      for (let at = start + HEAD; at < end; at++) units.push(this.records[at]);
      ids[i] = String.fromCharCode(...units);
      start = end;
    }
    return ids;
  }

  private add(id: string, hash: number, slot: number): number {
    const number = this.length++;
    const start = this.end;
    this.end = start + HEAD + id.length;
    if (this.end > MAX_UNITS) throw new MemoryError(`the ids have more than ${MAX_UNITS} characters in all`);
    if (this.end > this.records.length) {
      const grown = new Uint16Array(Math.max(this.end, 2 * this.records.length));
      grown.set(this.records);
      this.records = grown;
    }
    const { records } = this;
    records[start] = number;
    records[start + 1] = number >>> 16;
    records[start + 2] = id.length;
    for (let i = 0; i < id.length; i++) records[start + HEAD + i] = id.charCodeAt(i);
    this.slots[2 * slot] = hash;
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

/** FNV-1a over code units, its bits mixed downwards, since slots are chosen by the lower ones. */
export function hashOf(id: string): number {
  let hash = id.length;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}
