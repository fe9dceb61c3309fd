// Packed files, written by hand: what the tests and the fuzzer read them with must not be what wrote them.
import { deflateRawSync } from 'node:zlib';
import { crc32 } from '../../src/data/crc32.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export function join(...parts: Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A zip of one file (APPNOTE 4.3), stored or deflated. */
export function zipOf(name: string, data: Uint8Array, stored: boolean): Bytes {
  const packed = stored ? data : new Uint8Array(deflateRawSync(data));
  const path = new TextEncoder().encode(name);
  const header = (signature: number, central: boolean) => {
    const bytes = new Uint8Array(central ? 46 : 30);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, signature, true);
    const from = central ? 6 : 4;
    view.setUint16(from, 20, true);
    view.setUint16(from + 4, stored ? 0 : 8, true);
    view.setUint32(from + 10, crc32(data, 0), true);
    view.setUint32(from + 14, packed.length, true);
    view.setUint32(from + 18, data.length, true);
    view.setUint16(from + 22, path.length, true);
    return bytes;
  };
  const local = join(header(0x04034b50, false), path, packed);
  const central = join(header(0x02014b50, true), path);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, 1, true);
  end.setUint16(10, 1, true);
  end.setUint32(12, central.length, true);
  end.setUint32(16, local.length, true);
  return join(local, central, new Uint8Array(end.buffer));
}

/** A zstd frame (RFC 8878) of raw and run-length blocks, without a checksum; a skippable frame before it now and then. */
export function zstdOf(data: Uint8Array, random: { below(n: number): number }): Bytes {
  const parts: Uint8Array[] = [];
  if (random.below(4) === 0) parts.push(Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3));
  parts.push(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 8 * (1 + random.below(7))));
  for (let at = 0; at < data.length || at === 0; ) {
    let run = 1;
    while (run < 1000 && data[at + run] === data[at]) run++;
    const isRun = run > 3;
    const size = isRun ? run : Math.min(data.length - at, 1 + random.below(500));
    const last = at + size >= data.length ? 1 : 0;
    const word = last | ((isRun ? 1 : 0) << 1) | (size << 3);
    parts.push(
      Uint8Array.of(word & 255, (word >> 8) & 255, word >> 16),
      isRun ? data.subarray(at, at + 1) : data.subarray(at, at + size),
    );
    at += size;
  }
  return join(...parts);
}
