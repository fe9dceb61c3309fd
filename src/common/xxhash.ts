const P1 = 0x9e3779b1;
const P2 = 0x85ebca77;
const P3 = 0xc2b2ae3d;
const P4 = 0x27d4eb2f;
const P5 = 0x165667b1;

/**
 * xxHash32 of bytes (Collet; github.com/Cyan4973/xxHash, doc/xxhash_spec.md), an unsigned 32-bit number.
 * Each 32-bit word enters its lane by a bijection, so any change within one word changes the result.
 */
export function xxHash32(bytes: Uint8Array, seed = 0): number {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.byteLength;
  let at = 0;
  let h: number;
  if (length >= 16) {
    let a = (seed + P1 + P2) | 0;
    let b = (seed + P2) | 0;
    let c = seed | 0;
    let d = (seed - P1) | 0;
    for (; at + 16 <= length; at += 16) {
      a = round(a, data.getInt32(at, true));
      b = round(b, data.getInt32(at + 4, true));
      c = round(c, data.getInt32(at + 8, true));
      d = round(d, data.getInt32(at + 12, true));
    }
    h = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
  } else {
    h = (seed + P5) | 0;
  }
  h = (h + length) | 0;
  for (; at + 4 <= length; at += 4) {
    h = Math.imul(rotate((h + Math.imul(data.getInt32(at, true), P3)) | 0, 17), P4);
  }
  for (; at < length; at++) {
    h = Math.imul(rotate((h + Math.imul(bytes[at], P5)) | 0, 11), P1);
  }
  h = Math.imul(h ^ (h >>> 15), P2);
  h = Math.imul(h ^ (h >>> 13), P3);
  return (h ^ (h >>> 16)) >>> 0;
}

function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, P2)) | 0, 13), P1);
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
