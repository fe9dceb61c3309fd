import type { Address } from '../../engine/address.ts';
import { Arena, type LinearMemory } from '../../engine/memory.ts';

/** Room that parts of a batch use one after the other: `reset` begins again. */
export class Scratch extends Arena {
  private used = 0;
  private highest = 0;

  constructor(
    readonly owner: LinearMemory,
    private readonly at: Address,
  ) {
    super();
  }

  /** The most bytes that were in use at once. */
  get most(): number {
    return this.highest;
  }

  allocate(bytes: number): Address {
    const address = (this.at + this.used) as Address;
    this.used += 64 * Math.ceil(bytes / 64);
    this.highest = Math.max(this.highest, this.used);
    return address;
  }

  reset(): void {
    this.used = 0;
  }
}
