import { MemoryError } from '../common/errors.ts';
import type { WasmMemory } from '../common/host-types.ts';
import type { Address } from './address.ts';

const PAGE = 65_536;
/** 65,535 pages: one engine stops there, and the last page of wasm32 is a source of wrapped pointers. */
const MAX_PAGES = 65_535;
export const MAX_BYTES = MAX_PAGES * PAGE;
const ALIGN = 64;
/** Where allocation starts: 0 is no address. */
const BASE = ALIGN as Address;

/** Where arrays are put: a linear memory, as a stack, or a region of it. */
export abstract class Arena {
  /** The memory that this is, or is a part of. */
  abstract readonly owner: LinearMemory;

  /** Address of `bytes` fresh bytes, 64-byte aligned, contents undefined. Throws MemoryError if they do not fit. */
  abstract allocate(bytes: number, job?: string): Address;

  /** As `allocate`, every byte zero. */
  allocateZeroed(bytes: number, job?: string): Address {
    const { touched } = this.owner;
    const address = this.allocate(bytes, job);
    const used = Math.max(0, Math.min(bytes, touched - address));
    this.owner.u8(address, used).fill(0);
    return address;
  }

  /** Copies a typed array in; returns its address. */
  put(array: ArrayBufferView, job?: string): Address {
    const { buffer, byteOffset, byteLength } = array;
    const address = this.allocate(byteLength, job);
    this.owner.u8(address, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
    return address;
  }
}

/** The bytes from `start` to below `end`, both multiples of 64. */
interface Extent {
  start: Address;
  end: Address;
}

/**
 * The one owner of a wasm32 linear memory. It is a stack with marks: a stage takes a mark, allocates, and releases to
 * its mark when it ends. What must outlive others goes to a region: regions are freed in any order, and the stack
 * passes around them. Code that lets the event loop run while it holds memory, next to other users of this memory,
 * holds a region.
 *
 * Views are made afresh at each call, since `grow` detaches older ones; nobody keeps a view across a call that may
 * allocate.
 * @example
 * const memory = new LinearMemory();
 * const mark = memory.mark();
 * const address = memory.put(Float32Array.of(1, 2));
 * memory.f32(address, 2)[1]; // → 2
 * memory.release(mark);
 */
export class LinearMemory extends Arena {
  readonly owner = this;
  readonly memory: WasmMemory;
  /** Where the stack ends. */
  private top = BASE;
  /** Of all regions, by address; the stack never enters them. */
  private extents: Extent[] = [];
  /** Where the first region at or above the stack's end starts, and the bytes of all there. */
  private ceiling = MAX_BYTES;
  private above = 0;
  private highest = 0;
  /** @internal Bytes from here on have never been allocated, so they are still zero. */
  touched = BASE;

  /**
   * @param shared for kernels-threads.wasm, whose threads all see the memory.
   * @throws MemoryError if the host gives none.
   */
  constructor(shared = false) {
    super();
    try {
      this.memory = new WebAssembly.Memory({ initial: 16, maximum: MAX_PAGES, shared });
    } catch {
      throw new MemoryError(`this host refused to give a ${shared ? 'shared' : 'linear'} memory of 1 MB`);
    }
  }

  /** Most bytes in use at once since the last `resetPeak`. */
  get peak(): number {
    return this.highest;
  }

  /** Bytes in use now. */
  get used(): number {
    return this.top + this.above;
  }

  /** Starts a new measure of `peak` at what is in use now; returns the old peak. */
  resetPeak(): number {
    const old = this.highest;
    this.highest = this.used;
    return old;
  }

  /** A point to `release` to. */
  mark(): Address {
    return this.top;
  }

  /** Frees all that was allocated on the stack since `mark`. */
  release(mark: Address): void {
    this.moveTop(mark);
  }

  /** A new region, empty. */
  region(): Region {
    return new Region(this);
  }

  /**
   * Throws MemoryError, with the figure, if `bytes` more do not fit in wasm32's 4 GiB.
   * To be asked before a large job starts; sizes are doubles, so nothing wraps.
   */
  require(bytes: number, job: string): void {
    this.checkEnd(this.place(bytes), bytes, job);
  }

  allocate(bytes: number, job = 'this allocation'): Address {
    const address = this.place(bytes);
    const end = this.take(address, bytes, job);
    if (end <= this.ceiling) this.top = end;
    else this.moveTop(end);
    this.measure();
    return address;
  }

  /**
   * Grows the memory at once for `bytes` more, to be allocated later: thousands of small steps take a tenth of a
   * second.
   */
  reserve(bytes: number, job = 'this allocation'): void {
    const touched = this.touched;
    this.take(this.place(bytes), bytes, job);
    this.touched = touched;
  }

  /** @internal `bytes` more for a region that has these extents: right after the last of them, or as a further one. */
  claim(own: Extent[], bytes: number, job = 'this allocation'): Address {
    const last = own.at(-1);
    const next = last && this.extents[this.extents.indexOf(last) + 1];
    const room = last && last.end >= this.top && (!next || aligned(last.end + bytes) <= next.start);
    const start = room ? last.end : this.place(bytes);
    const end = this.take(start, bytes, job);
    if (room) last.end = end;
    else if (end > start) {
      const extent = { start, end };
      own.push(extent);
      const at = this.extents.findIndex((other) => other.start >= end);
      this.extents.splice(at < 0 ? this.extents.length : at, 0, extent);
    }
    this.moveTop(this.top);
    this.measure();
    return start;
  }

  /** @internal Frees a region's extents. */
  free(own: readonly Extent[]): void {
    this.extents = this.extents.filter((extent) => !own.includes(extent));
    this.moveTop(this.top);
  }

  private moveTop(top: Address): void {
    this.top = top;
    this.ceiling = MAX_BYTES;
    this.above = 0;
    for (const { start, end } of this.extents) {
      if (start < top) continue;
      this.ceiling = Math.min(this.ceiling, start);
      this.above += end - start;
    }
  }

  /** The first address from the stack's end on with room for `bytes` between the regions. */
  private place(bytes: number): Address {
    let at = this.top;
    if (aligned(at + bytes) <= this.ceiling) return at;
    for (const { start, end } of this.extents) {
      if (end <= at) continue;
      if (aligned(at + bytes) <= start) break;
      at = end;
    }
    return at;
  }

  /** Makes sure that there are `bytes` at the address; returns their end. */
  private take(address: Address, bytes: number, job: string): Address {
    this.checkEnd(address, bytes, job);
    const end = aligned(address + bytes);
    const have = this.memory.buffer.byteLength;
    if (end > have) {
      try {
        this.memory.grow(Math.min(MAX_PAGES, Math.ceil(end / PAGE)) - have / PAGE);
      } catch {
        throw new MemoryError(`${job} needs ${formatBytes(end)} of memory, which this host refused to give`);
      }
    }
    if (end > this.touched) this.touched = end;
    return end;
  }

  private checkEnd(address: Address, bytes: number, job: string): void {
    if (!(address + bytes <= MAX_BYTES))
      throw new MemoryError(
        `${job} needs ${formatBytes(bytes)} in addition to ${formatBytes(this.used)} in use, but wasm32 holds ${formatBytes(MAX_BYTES)} at most`,
      );
  }

  private measure(): void {
    const { used } = this;
    if (used > this.highest) this.highest = used;
  }

  u8(address: Address, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }
  i32(address: Address, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, address, length);
  }
  u32(address: Address, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, address, length);
  }
  f32(address: Address, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }
  f64(address: Address, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, address, length);
  }
}

/** Memory that is freed as a whole, whatever was allocated before or after it. */
export class Region extends Arena {
  private readonly extents: Extent[] = [];

  constructor(readonly owner: LinearMemory) {
    super();
  }

  allocate(bytes: number, job?: string): Address {
    return this.owner.claim(this.extents, bytes, job);
  }

  /** Frees all of it; the region can be used again. */
  free(): void {
    this.owner.free(this.extents.splice(0));
  }
}

/** The next multiple of 64. */
const aligned = (bytes: number) => (Math.ceil(bytes / ALIGN) * ALIGN) as Address;

/** 1234567 → "1.2 MB" (decimal units). */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  if (bytes >= 1e3) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${bytes} B`;
}
