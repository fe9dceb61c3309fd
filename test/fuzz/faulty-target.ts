// Cases that do what no case may, one for each thing that the fuzzer watches: a test replays them, and all must be
// reported.
import { ArgumentError } from '../../src/common/errors.ts';
import { outcomeOf, type Random, type Target, within } from './engine.ts';

const kept: unknown[] = [];

/** By name, what a case whose input is that name does. */
export const FAULTS: Record<string, () => unknown> = {
  hang() {
    for (;;);
  },
  'never-settles': () => new Promise(() => {}),
  'out-of-memory'() {
    for (;;) kept.push(new Array(1000).fill(kept.length));
  },
  'large-array': () => new Float64Array(1e6),
  pollution() {
    (Object.prototype as unknown as Record<string, number>).polluted = 1;
  },
  'changed-method'() {
    Array.prototype.flat = () => [];
  },
  'other-error': () => (undefined as unknown as string).length,
  // (module (func (export "f") unreachable))
  trap: () =>
    (
      new WebAssembly.Instance(
        new WebAssembly.Module(
          Uint8Array.of(
            0,
            97,
            115,
            109,
            1,
            0,
            0,
            0,
            1,
            4,
            1,
            96,
            0,
            0,
            3,
            2,
            1,
            0,
            7,
            5,
            1,
            1,
            102,
            0,
            0,
            10,
            5,
            1,
            3,
            0,
            0,
            11,
          ),
        ),
      ).exports.f as () => void
    )(),
  'rejected-elsewhere'() {
    Promise.reject(new Error('nobody listens'));
    return new Promise((resolve) => setTimeout(resolve, 5));
  },
  'two-lines'() {
    throw Object.assign(new ArgumentError('a', 1, 'b'), { message: 'two\nlines of text' });
  },
  exit: () => process.exit(0),
};

export const faultyTarget: Target = {
  name: 'faulty',
  share: 0,
  shrinks: false,
  make: (random: Random) => new TextEncoder().encode(Object.keys(FAULTS)[random.below(Object.keys(FAULTS).length)]),
  run: (input) => within(65_536, () => outcomeOf(() => FAULTS[new TextDecoder().decode(input)]())),
};
