import { describe, expect, it } from 'vitest';
import { ArgumentError, ModelFileError } from '../../src/common/errors.ts';
import { xxHash32 } from '../../src/common/xxhash.ts';
import type { Model } from '../../src/model/model.ts';
import { decodeModel, encodeModel, inspectModel } from '../../src/models/file.ts';
import { fullModel } from '../support/small-model.ts';
import { SplitMix } from '../support/splitmix-numbers.ts';

const minimal: Model = {
  kind: 'popularity',
  dim: 0,
  items: ['a', 'b'],
  markets: [
    {
      name: 'm',
      items: Int32Array.of(0, 1),
      popularity: Uint32Array.of(3, 4),
      linearWeight: 0,
      linearPower: 0,
      cosineWeight: 0,
    },
  ],
  training: {},
};

/** Writes the checksums again, so that a change reaches the checks behind them. */
function seal(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64) return bytes;
  const sections = view.getUint32(12, true);
  const end = 64 + 48 * sections;
  if (end > bytes.length) return bytes;
  for (let at = 64; at < end; at += 48) {
    const offset = view.getUint32(at + 16, true);
    const size = view.getUint32(at + 24, true);
    if (offset + size <= bytes.length) view.setUint32(at + 12, xxHash32(bytes.subarray(offset, offset + size)), true);
  }
  view.setUint32(40, xxHash32(bytes.subarray(64, end)), true);
  view.setUint32(60, xxHash32(bytes.subarray(0, 60)), true);
  return bytes;
}

const messageOf = (bytes: Uint8Array): string => {
  try {
    decodeModel(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFileError);
    return (error as Error).message;
  }
  return 'accepted';
};

describe('xxHash32', () => {
  it('agrees with the specification', () => {
    const hash = (text: string, seed?: number) => xxHash32(new TextEncoder().encode(text), seed);
    expect(hash('')).toBe(0x02cc5d05);
    expect(hash('a')).toBe(0x550d7456);
    expect(hash('abc')).toBe(0x32d153ff);
    expect(hash('Nobody inspects the spammish repetition')).toBe(0xe2293b2f);
  });
});

describe('model file', () => {
  it('comes back equal, and encodes to the same bytes', () => {
    for (const model of [fullModel(), fullModel(3, 1), minimal, { ...minimal, items: [], markets: [] }]) {
      const bytes = encodeModel(model);
      expect(decodeModel(bytes)).toEqual(model);
      expect(encodeModel(decodeModel(bytes))).toEqual(bytes);
      expect(bytes.length % 64).toBe(0);
    }
  });

  it('does not depend on the order of keys', () => {
    const { training, ...rest } = fullModel();
    const turned = { ...rest, training: Object.fromEntries(Object.entries(training).reverse()) };
    expect(encodeModel(turned)).toEqual(encodeModel(fullModel()));
  });

  it('is read as views of the given buffer, and copied only where it is not aligned', () => {
    const bytes = encodeModel(fullModel());
    expect(decodeModel(bytes).markets[0].vectors!.buffer).toBe(bytes.buffer);
    const shifted = new Uint8Array(bytes.length + 65);
    for (const shift of [1, 4, 8, 65]) {
      shifted.set(bytes, shift);
      expect(decodeModel(shifted.subarray(shift, shift + bytes.length))).toEqual(fullModel());
    }
    expect(decodeModel(bytes.buffer)).toEqual(fullModel());
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    expect(decodeModel(shared)).toEqual(fullModel());
  });

  it('says what is in it', () => {
    const info = inspectModel(encodeModel(fullModel()));
    expect(info).toMatchObject({ version: 1, kind: 'm3rec', dim: 5, training: fullModel().training });
    expect(info.markets).toEqual([
      { name: 'm1', items: 8, users: 4 },
      { name: 'm2', items: 4, users: 2 },
      { name: 'm3', items: 2, users: 0 },
    ]);
    expect(info.sections[0]).toMatchObject({ kind: 'training', market: null, dtype: 'utf8' });
    expect(info.sections.find(({ kind, market }) => kind === 'vectors' && market === 'm2')).toMatchObject({
      dtype: 'f32',
      rows: 4,
      cols: 5,
      bytes: 80,
    });
  });

  it('says what is wrong with other files', () => {
    const bytes = encodeModel(fullModel());
    const changed = (offset: number, value: number) => {
      const copy = bytes.slice();
      new DataView(copy.buffer).setUint32(offset, value, true);
      return copy;
    };
    expect(messageOf(new Uint8Array(0))).toBe('not a model file: it is empty (0 bytes)');
    expect(messageOf(new TextEncoder().encode('userId\titemId\n1\t2\n'))).toMatch(
      /not a model file.*found text "userId\\titemI", expected the signature "M3REC"/,
    );
    expect(messageOf(Uint8Array.of(0x1f, 0x8b, 8, 0))).toMatch(/found 1f 8b 08 00/);
    expect(messageOf(bytes.subarray(0, 20))).toMatch(/truncated file.*20 bytes, expected at least 64/);
    expect(messageOf(bytes.subarray(0, bytes.length - 1))).toMatch(
      /truncated file.*expected the \d+ that the header names/,
    );
    expect(messageOf(new Uint8Array([...bytes, 0]))).toMatch(/1 bytes after the end/);
    expect(messageOf(changed(8, 5))).toMatch(
      /header at byte 8: found format version 5, which is newer than this library, expected at most 4/,
    );
    expect(messageOf(changed(28, 6))).toMatch(/the header is damaged/);
    expect(messageOf(changed(64 + 12, 6))).toMatch(/the table is damaged/);
    expect(messageOf(seal(changed(12, 0xffffffff)))).toMatch(/damaged|sections/);
    expect(messageOf(changed(bytes.length - 64, 0x7fc00000))).toMatch(
      /section ".*" of market \d at byte \d+: found checksum/,
    );
    expect(() => decodeModel('M3REC' as unknown as Uint8Array)).toThrow(ArgumentError);
  });

  it('refuses a model that no loader would accept', () => {
    const broken = (change: (model: Model) => void) => {
      const model = fullModel();
      change(model);
      return () => encodeModel(model);
    };
    expect(
      broken((m) => {
        m.markets[0].bias![1] = Number.NaN;
      }),
    ).toThrow(/"bias" of market 0 at byte \d+: found a value that is not finite/);
    expect(
      broken((m) => {
        m.markets[0].linearWeight = Infinity;
      }),
    ).toThrow(/"weights".*Infinity/);
    expect(
      broken((m) => {
        m.markets[0].vectors![0] += 1;
      }),
    ).toThrow(/"vectors".*squared length/);
    expect(
      broken((m) => {
        m.markets[0].linear!.indices[1] = 99;
      }),
    ).toThrow(/"linear indices".*99/);
    expect(
      broken((m) => {
        m.markets[0].linear!.indptr[1] = 9999;
      }),
    ).toThrow(/"linear indptr"/);
    expect(
      broken((m) => {
        m.markets[0].items[0] = -1;
      }),
    ).toThrow(/"items"/);
    expect(
      broken((m) => {
        m.markets[0].popularity = new Uint32Array(3);
      }),
    ).toThrow(/"popularity".*shape 3 × 1, expected 8 × 1/);
    expect(
      broken((m) => {
        m.markets.reverse();
      }),
    ).toThrow(/"name" of market 1/);
    expect(
      broken((m) => {
        m.items[1] = m.items[0];
      }),
    ).toThrow(/unique ids in order/);
    expect(
      broken((m) => {
        m.markets[0].vectors = undefined;
      }),
    ).toThrow(/with it "vectors"/);
    expect(
      broken((m) => {
        m.items[9] = '\ud83d';
      }),
    ).toThrow(/unpaired surrogates/);
    expect(
      broken((m) => {
        m.training = { x: Number.NaN };
      }),
    ).toThrow(ArgumentError);
    let deep: unknown = 1;
    for (let i = 0; i < 100; i++) deep = [deep];
    expect(
      broken((m) => {
        m.training = { deep };
      }),
    ).toThrow(/nested deeper/);
  });

  it('meets 12,000 mutations with a ModelFileError or an equal model', () => {
    const random = new SplitMix(2026);
    const originals = [encodeModel(fullModel()), encodeModel(fullModel(9, 1)), encodeModel(minimal)];
    const extremes = [
      0, 1, 2, 0x7f, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7f800000, 0xffc00000, 0x10000, 0xfffffff0,
    ];
    let refused = 0;
    let accepted = 0;
    for (let i = 0; i < 12_000; i++) {
      const original = originals[random.below(originals.length)];
      let bytes = original.slice();
      for (let change = random.below(3); change >= 0; change--) {
        const length = Math.max(1, bytes.length);
        // Half of the changes fall into header and table, which are small compared with the rest.
        const at = random.below(2) === 0 ? random.below(Math.min(length, 64 + 48 * 20)) : random.below(length);
        const view = new DataView(bytes.buffer);
        switch (random.below(6)) {
          case 0:
            bytes[at] ^= 1 << random.below(8);
            break;
          case 1:
            bytes = bytes.slice(0, at);
            break;
          case 2:
            bytes.copyWithin(at, random.below(length), random.below(length));
            break;
          case 3:
            if ((at | 3) < bytes.length) view.setUint32(at & ~3, extremes[random.below(extremes.length)], true);
            break;
          case 4:
            if ((at | 3) < bytes.length)
              view.setUint32(at & ~3, view.getUint32(at & ~3, true) + random.below(3) - 1, true);
            break;
          default:
            bytes = Uint8Array.from([
              ...bytes.subarray(0, at),
              ...original.subarray(random.below(original.length)).subarray(0, random.below(200)),
              ...bytes.subarray(at),
            ]);
        }
      }
      const sealed = i % 4 !== 0;
      if (sealed) seal(bytes);
      let model: Model;
      try {
        model = decodeModel(bytes);
      } catch (error) {
        if (!(error instanceof ModelFileError)) throw error;
        refused++;
        continue;
      }
      accepted++;
      // A file that is accepted is the one file of its model; without new checksums it is the original.
      expect(Buffer.compare(encodeModel(model), bytes)).toBe(0);
      if (!sealed) expect(Buffer.compare(bytes, original)).toBe(0);
    }
    expect(refused).toBeGreaterThan(8_000);
    expect(accepted).toBeGreaterThan(50);
  });
});
