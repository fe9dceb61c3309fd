import { describe, expect, it } from 'vitest';
import { MemoryError } from '../../src/common/errors.ts';
import type { Address } from '../../src/engine/address.ts';
import { type Arena, LinearMemory, type Region } from '../../src/engine/memory.ts';
import { SplitMix } from '../support/splitmix-numbers.ts';

describe('the stack', () => {
  it('gives aligned addresses, never 0, and takes back to a mark', () => {
    const memory = new LinearMemory();
    const empty = memory.used;
    const mark = memory.mark();
    expect([memory.allocate(1), memory.allocate(65), memory.allocate(0), memory.allocate(64)]).toEqual([
      64, 128, 256, 256,
    ]);
    expect(memory.used - empty).toBe(256);
    memory.release(mark);
    expect(memory.used).toBe(empty);
    expect(memory.peak).toBe(empty + 256);
    expect(memory.resetPeak()).toBe(empty + 256);
    expect(memory.peak).toBe(empty);
  });

  it('refuses what 4 GiB do not hold, naming the job and what is in use', () => {
    const memory = new LinearMemory();
    const region = memory.region();
    region.allocate(1e6);
    const ask = () => memory.require(4.2945e9, 'the job');
    expect(ask).toThrow(
      new MemoryError('the job needs 4.29 GB in addition to 1.0 MB in use, but wasm32 holds 4.29 GB at most'),
    );
    region.free();
    memory.require(4.29e9, 'the job');
    expect(() => memory.require(Number.NaN, 'the job')).toThrow(MemoryError);
  });
});

describe('regions', () => {
  it('are freed in any order, and the stack passes around them', () => {
    const memory = new LinearMemory();
    const empty = memory.used;
    const [a, b, c] = [memory.region(), memory.region(), memory.region()];
    const first = a.put(Float32Array.of(1, 2, 3));
    b.allocate(1000);
    c.allocate(1000);
    expect(memory.used).toBe(empty + 64 + 2 * 1024);
    b.free();
    expect(memory.used).toBe(empty + 64 + 1024);
    const mark = memory.mark();
    // fits in the hole, does not fit, fits no more since the stack has passed it
    expect([memory.allocate(960), memory.allocate(128), memory.allocate(64)]).toEqual([128, 2176, 2304]);
    memory.release(mark);
    a.free();
    c.free();
    expect(memory.used).toBe(empty);
    expect(memory.allocate(5000)).toBe(first);
  });

  it('grow in place as long as nothing lies behind them', () => {
    const memory = new LinearMemory();
    const a = memory.region();
    expect([a.allocate(64), a.allocate(64)]).toEqual([64, 128]);
    const mark = memory.mark();
    expect(memory.allocate(64)).toBe(192);
    expect(a.allocate(64)).toBe(256);
    memory.release(mark);
    const b = memory.region();
    expect(b.allocate(64)).toBe(192);
    expect([b.allocate(64), a.allocate(64)]).toEqual([320, 384]);
  });

  it('zero what was used before', () => {
    const memory = new LinearMemory();
    const region = memory.region();
    memory.u8(region.allocate(4096), 4096).fill(255);
    region.free();
    expect(memory.u8(region.allocateZeroed(8192), 8192).every((byte) => byte === 0)).toBe(true);
  });

  it('never overlap each other or the stack, whatever the order', () => {
    const random = new SplitMix(5);
    const memory = new LinearMemory();
    const empty = memory.used;
    /** Owner of every byte of the first 256 kB; 0 for nobody. */
    const owner = new Uint8Array(1 << 18);
    const regions: { region: Region; id: number }[] = [];
    const marks: { mark: Address; at: [number, number][] }[] = [{ mark: memory.mark(), at: [] }];
    let ids = 1;
    const take = (arena: Arena, id: number): [number, number] => {
      const bytes = random.below(700);
      const at = arena.allocate(bytes);
      expect(at % 64).toBe(0);
      expect(owner.subarray(at, at + bytes).every((byte) => byte === 0)).toBe(true);
      owner.fill(id, at, at + bytes);
      return [at, at + bytes];
    };
    for (let step = 0; step < 4000; step++) {
      const choice = random.below(10);
      if (choice < 2 && regions.length < 12) regions.push({ region: memory.region(), id: (ids++ % 200) + 2 });
      else if (choice < 5 && regions.length > 0) {
        const { region, id } = regions[random.below(regions.length)];
        take(region, id);
      } else if (choice === 5 && regions.length > 0) {
        const [{ region, id }] = regions.splice(random.below(regions.length), 1);
        region.free();
        for (let at = owner.indexOf(id); at >= 0; at = owner.indexOf(id, at)) owner[at] = 0;
      } else if (choice === 6 && marks.length < 8) marks.push({ mark: memory.mark(), at: [] });
      else if (choice === 7) {
        const { mark, at } = marks.length > 1 ? marks.pop()! : marks[0];
        memory.release(mark);
        for (const [from, to] of at.splice(0)) owner.fill(0, from, to);
      } else marks.at(-1)!.at.push(take(memory, 1));
      // a deep stack in small steps would leave the map
      if (marks.at(-1)!.at.length > 40) memory.release(marks.at(-1)!.mark);
      if (marks.at(-1)!.at.length > 40) for (const [from, to] of marks.at(-1)!.at.splice(0)) owner.fill(0, from, to);
    }
    memory.release(marks[0].mark);
    for (const { region } of regions) region.free();
    expect(memory.used).toBe(empty);
  });
});
