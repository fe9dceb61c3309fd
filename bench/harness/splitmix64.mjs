// The kernels' counter-based SplitMix64 in plain JavaScript: 64-bit numbers as two 32-bit halves, since BigInt is some
// fifty times slower and would flatter the kernels.

let high = 0;
let low = 0;

/** (high, low) = a · b mod 2⁶⁴. */
function multiply(aHigh, aLow, bHigh, bLow) {
  const a0 = aLow & 0xffff;
  const a1 = aLow >>> 16;
  const b0 = bLow & 0xffff;
  const b1 = bLow >>> 16;
  const first = a1 * b0 + ((a0 * b0) >>> 16);
  const second = a0 * b1 + (first & 0xffff);
  const carry = a1 * b1 + (first >>> 16) + (second >>> 16);
  high = (carry + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) >>> 0;
  low = Math.imul(aLow, bLow) >>> 0;
}

function mix(h, l) {
  multiply((h ^ (h >>> 30)) >>> 0, (l ^ ((l >>> 30) | (h << 2))) >>> 0, 0xbf58476d, 0x1ce4e5b9);
  multiply((high ^ (high >>> 27)) >>> 0, (low ^ ((low >>> 27) | (high << 5))) >>> 0, 0x94d049bb, 0x133111eb);
  const h2 = high;
  high = (h2 ^ (h2 >>> 31)) >>> 0;
  low = (low ^ ((low >>> 31) | (h2 << 1))) >>> 0;
}

function mixStep(h, l, count) {
  multiply(0, count, 0x9e3779b9, 0x7f4a7c15);
  const sum = l + low;
  mix((h + high + (sum > 0xffffffff ? 1 : 0)) >>> 0, sum >>> 0);
}

/** The numbers of one (seed, stage, index), read by counter; `high` and `low` hold the halves of the last one drawn. */
export class Stream {
  constructor(seed, stage, index) {
    mix(seed >>> 0, stage >>> 0);
    mixStep(high, low, index + 1);
    this.keyHigh = high;
    this.keyLow = low;
    this.high = 0;
    this.low = 0;
  }

  draw(counter) {
    mixStep(this.keyHigh, this.keyLow, counter + 1);
    this.high = high;
    this.low = low;
  }

  /** Uniform in 0 … n − 1 from the upper half, n ≤ 2²¹. */
  below(n) {
    return Math.floor((this.high * n) / 4294967296);
  }

  /** As `below`, from the lower half. */
  belowLow(n) {
    return Math.floor((this.low * n) / 4294967296);
  }

  /** Uniform in [0, 1) from the lower half. */
  unit() {
    return (this.low >>> 8) / 16777216;
  }
}

/** n seeded numbers in [−scale, scale). */
export function randoms(n, seed, scale = 1) {
  const stream = new Stream(seed, 99, 0);
  return Float32Array.from({ length: n }, (_, i) => {
    stream.draw(i);
    return (stream.unit() * 2 - 1) * scale;
  });
}
