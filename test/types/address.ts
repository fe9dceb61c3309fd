// Checked by test/engine/address.test.ts: every line below a @ts-expect-error must be an error, every other one none.
import { type Address, NOWHERE, plus } from '../../src/engine/address.ts';
import type { KernelExports } from '../../src/engine/kernel-exports.ts';
import { LinearMemory } from '../../src/engine/memory.ts';
import type { Call } from '../../src/engine/types.ts';

declare const kernels: KernelExports;
const memory = new LinearMemory();
const mark: Address = memory.mark();
const x = memory.put(new Float32Array(8));
const y = memory.allocateZeroed(32);
const n = 8;

kernels.addInto(n, x, y);
kernels.addInto(n / 2, x, plus(y, 16));
// @ts-expect-error: a count and an address swapped
kernels.addInto(x, n, y);
// @ts-expect-error: an address where the count goes
kernels.addInto(x, x, y);
// @ts-expect-error: a count where an address goes
kernels.addInto(n, x, n);
// @ts-expect-error: arithmetic on an address gives a plain number; `plus` gives an address
kernels.addInto(n, x + 16, y);

export const calls: Call[] = [
  ['addInto', n, x, y],
  ['addRows', n, x, n, y, NOWHERE],
  // @ts-expect-error: swapped in a task
  ['addInto', x, n, y],
  // @ts-expect-error: one argument too few
  ['addInto', n, x],
];

// @ts-expect-error: a size is no mark
memory.release(n);
// @ts-expect-error: a length is no address
memory.f32(n, x);
memory.release(mark);
