/**
 * A growable list of 32-bit integers: 4 bytes an entry (8 at most, just after it grew), where an array of objects takes
 * 50 or more.
 */
export class Int32List {
  private buffer = new Int32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.buffer.length) {
      const grown = new Int32Array(this.length * 2);
      grown.set(this.buffer);
      this.buffer = grown;
    }
    this.buffer[this.length++] = value;
  }

  /** (length) a view, valid until the next `push`. */
  view(): Int32Array {
    return this.buffer.subarray(0, this.length);
  }
}

/** As `Int32List`, of doubles: 8 bytes an entry. */
export class Float64List {
  private buffer = new Float64Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.buffer.length) {
      const grown = new Float64Array(this.length * 2);
      grown.set(this.buffer);
      this.buffer = grown;
    }
    this.buffer[this.length++] = value;
  }

  /** (length) a view, valid until the next `push`. */
  view(): Float64Array {
    return this.buffer.subarray(0, this.length);
  }
}
