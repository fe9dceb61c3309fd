const GOLDEN = 0x9e3779b9;
const TWO_32 = 4294967296;

/**
 * A small seeded generator of 32-bit numbers for host-side data: a counter through murmur3's finaliser.
 * Integer arithmetic and exact doubles only, so that every host draws the same.
 */
export class SplitMix {
  private state: number;

  /** Different `stream`s of one seed are unrelated. */
  constructor(seed: number, stream = 0) {
    this.state = mix((mix(seed >>> 0) ^ mix(Math.imul(stream, GOLDEN) + 1)) >>> 0);
  }

  /** Uniform in [0, 2³²). */
  next(): number {
    this.state = (this.state + GOLDEN) >>> 0;
    return mix(this.state);
  }

  /** Uniform in [0, 1), a multiple of 2⁻³². */
  fraction(): number {
    return this.next() / TWO_32;
  }

  /** Uniform integer in [0, n), n ≤ 2²¹ for a bias below 2⁻¹¹. */
  below(n: number): number {
    return Math.floor((this.next() * n) / TWO_32);
  }

  /** Puts `array` in random order (Fisher and Yates). */
  shuffle(array: Int32Array): void {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = array[i];
      array[i] = array[j];
      array[j] = kept;
    }
  }
}

function mix(z: number): number {
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
