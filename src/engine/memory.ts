import { MemoryError } from '../common/errors.ts';
import type { WasmMemory } from '../common/host-types.ts';
import type { Address } from './address.ts';

const PAGE = 65_536;
/** 65,535 pages: one engine stops there, and the last page of wasm32 is a source of wrapped pointers. */
const MAX_PAGES = 65_535;
const MAX_BYTES = MAX_PAGES * PAGE;
const ALIGN = 64;
/** Where allocation starts: 0 is no address. */
const BASE = ALIGN as Address;

/**
 * The one owner of a wasm32 linear memory: a stack allocator with marks. A stage takes a mark, allocates,
 * and releases to its mark when it ends. Views are made afresh at each call, since `grow` detaches older ones;
 * nobody keeps a view across a call that may allocate.
 * @example
 * const memory = new LinearMemory();
 * const mark = memory.mark();
 * const address = memory.put(Float32Array.of(1, 2));
 * memory.f32(address, 2)[1]; // → 2
 * memory.release(mark);
 */
export class LinearMemory {
  readonly memory: WasmMemory;
  private top = BASE;
  private highest = 0;
  /** Nothing beyond was ever handed out: it is as zero as the memory came. */
  private touched = BASE;

  /**
   * @param shared for kernels-threads.wasm, whose threads all see the memory.
   * @throws MemoryError where the host gives none.
   */
  constructor(shared = false) {
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
    return this.top;
  }

  /** Starts a new measure of `peak` at what is in use now; returns the old peak. */
  resetPeak(): number {
    const old = this.highest;
    this.highest = this.top;
    return old;
  }

  /** A point to `release` to. */
  mark(): Address {
    return this.top;
  }

  /** Frees all that was allocated since `mark`. */
  release(mark: Address): void {
    this.top = mark;
  }

  /**
   * Throws MemoryError, with the figure, where `bytes` more do not fit in wasm32's 4 GiB.
   * To be asked before a large job starts; sizes are doubles, so nothing wraps.
   */
  require(bytes: number, job: string): void {
    if (!(this.top + bytes <= MAX_BYTES)) {
      throw new MemoryError(
        `${job} needs ${formatBytes(bytes)} beside ${formatBytes(this.top)} in use, but wasm32 holds ${formatBytes(MAX_BYTES)} at most`,
      );
    }
  }

  /** Address of `bytes` fresh bytes, 64-byte aligned, contents undefined. Throws MemoryError where they do not fit. */
  allocate(bytes: number, job = 'this allocation'): Address {
    this.require(bytes, job);
    const address = this.top;
    const end = this.grow(bytes, job);
    this.top = end;
    if (end > this.highest) this.highest = end;
    if (end > this.touched) this.touched = end;
    return address;
  }

  /** Grows the memory at once for `bytes` more, to be allocated later: thousands of small steps take a tenth of a second. */
  reserve(bytes: number, job = 'this allocation'): void {
    this.require(bytes, job);
    this.grow(bytes, job);
  }

  /** The end of `bytes` more, up to which there is memory then. */
  private grow(bytes: number, job: string): Address {
    const end = (Math.ceil((this.top + bytes) / ALIGN) * ALIGN) as Address;
    const have = this.memory.buffer.byteLength;
    if (end > have) {
      try {
        this.memory.grow(Math.min(MAX_PAGES, Math.ceil(end / PAGE)) - have / PAGE);
      } catch {
        throw new MemoryError(`${job} needs ${formatBytes(end)} of memory, which this host refused to give`);
      }
    }
    return end;
  }

  /** As `allocate`, every byte zero. */
  allocateZeroed(bytes: number, job?: string): Address {
    const touched = this.touched;
    const address = this.allocate(bytes, job);
    const used = Math.max(0, Math.min(bytes, touched - address));
    this.u8(address, used).fill(0);
    return address;
  }

  /** Copies a typed array in; returns its address. */
  put(array: ArrayBufferView, job?: string): Address {
    const address = this.allocate(array.byteLength, job);
    this.u8(address, array.byteLength).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return address;
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

/** 1234567 → "1.2 MB" (decimal units). */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  if (bytes >= 1e3) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${bytes} B`;
}
