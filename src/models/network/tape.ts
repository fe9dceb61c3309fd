// The calls that compute a network for some samples, and those that go back through it. A network calls the methods
// below once for each part of a batch; each writes down its own calls, and its way back. Gradients add up, so a value
// may be used more than once. Rows are samples, columns are units.
import { type Address, NOWHERE, type Pointer, plus } from '../../engine/address.ts';
import { Dropping } from '../../engine/kernel-layout.ts';
import type { Arena } from '../../engine/memory.ts';
import { STREAM } from '../../engine/streams.ts';
import { putStruct } from '../../engine/struct.ts';
import type { Call } from '../../engine/types.ts';

/** Some columns of a matrix in linear memory, and of its gradient. */
export interface Value {
  at: Address;
  /** NOWHERE where nothing learns. */
  gradient: Address;
  cols: number;
  /** Values from one row to the next. */
  ld: number;
}

/** Added to variances. */
const NORMAL_EPSILON = 1e-5;

/** Numbers of the activations in assembly/nets/dense.ts. */
export const ACTIVATION = { identity: 0, relu: 1, tanh: 2 } as const;
export type Activation = keyof typeof ACTIVATION;

/** The samples that a tape is for, all of one market. */
export interface Samples {
  rows: number;
  /** Number of the market. */
  market: number;
  /** (rows) i32, rows of the tables of users and of items. */
  users: Address;
  items: Address;
}

/** What a tape that learns needs. */
export interface Learning {
  /** The gradient of an array of parameters, of this part's group. */
  gradientOf(name: string): Address;
  /** The gradient of the samples' embeddings, of these samples. */
  inputGradient(input: number): Address;
  /** Samples of an interaction, the first of them positive. */
  each: number;
  /** 1 over the samples of the batch. */
  scale: number;
  /** Dropout: the share hidden, and the number of the first sample. */
  dropout: number;
  seed: number;
  first: number;
  /** 2 × f64: loss and samples. */
  totals: Address;
  /** For structs that the calls read. */
  structs: Arena;
}

/** Where a tape finds parameters and room. */
export interface Room {
  address(name: string): Address;
  /** For values; what was there is lost. */
  scratch: Arena;
  /** For matrix products. */
  workspace: Address;
}

export class Tape {
  /** The way there. */
  readonly calls: Call[] = [];
  private readonly back: Call[][] = [];
  private droppings = 0;

  constructor(
    readonly samples: Samples,
    /** Tables of each input, by the columns that they give it. */
    private readonly inputs: readonly (readonly { name: string; of: 'user' | 'item'; cols: number }[])[],
    private readonly room: Room,
    /** Absent where the network only scores. */
    private readonly learning?: Learning,
  ) {}

  /** The calls there and back. */
  all(): Call[] {
    return [...this.calls, ...[...this.back].reverse().flat()];
  }

  /** Writes down calls, and their way back. */
  op(calls: readonly Call[], back: readonly Call[] = []): void {
    this.calls.push(...calls);
    this.back.push([...back]);
  }

  /** The embeddings of the samples' users and items, next to each other. */
  input(number: number): Value {
    const { rows, users, items } = this.samples;
    const tables = this.inputs[number];
    const ld = tables.reduce((sum, { cols }) => sum + cols, 0);
    const at = this.room.scratch.allocate(4 * rows * ld);
    let column = 0;
    for (const { name, of, cols } of tables) {
      const list = of === 'user' ? users : items;
      this.calls.push(['takeRows', rows, list, cols, this.room.address(name), plus(at, 4 * column), ld]);
      column += cols;
    }
    const gradient = this.learning?.inputGradient(number) ?? NOWHERE;
    if (this.learning) this.calls.push(['clear', rows * ld, gradient]);
    return { at, gradient, cols: ld, ld };
  }

  /** An array of parameters. */
  parameter(name: string, cols: number): Value {
    return { at: this.room.address(name), gradient: this.learning?.gradientOf(name) ?? NOWHERE, cols, ld: cols };
  }

  /** Columns [from, from + cols) of a value. */
  columns(value: Value, from: number, cols: number): Value {
    const gradient = this.learning ? plus(value.gradient, 4 * from) : NOWHERE;
    return { at: plus(value.at, 4 * from), gradient, cols, ld: value.ld };
  }

  /** act(x W + b), a bias where one is given. */
  dense(x: Value, weight: Value, bias: Value | undefined, cols: number, activation: Activation): Value {
    return this.sumOfProducts([[x, weight]], bias, this.value(cols), activation);
  }

  /** act(Σ x_t W_t + b): a layer on values next to each other. */
  denseOf(terms: readonly (readonly [Value, Value])[], bias: Value, cols: number, activation: Activation): Value {
    return this.sumOfProducts(terms, bias, this.value(cols), activation);
  }

  /** act(x + b) in place; the gradient of the result becomes that of x. */
  activate(x: Value, bias: Value, activation: Activation): Value {
    return this.sumOfProducts([], bias, x, activation);
  }

  /** A layer by its name: `weight` and `bias`. */
  layer(x: Value, name: string, cols: number, activation: Activation): Value {
    return this.dense(
      x,
      this.parameter(`${name}.weight`, cols),
      this.parameter(`${name}.bias`, cols),
      cols,
      activation,
    );
  }

  /** Inverted dropout; nothing where the network only scores. */
  dropout(x: Value): Value {
    return this.dropAll([x])[0];
  }

  /** Dropout of the same elements of each. */
  dropAll(values: readonly Value[]): Value[] {
    const { learning } = this;
    if (!learning || learning.dropout === 0) return [...values];
    const { rows } = this.samples;
    const { dropout: rate, seed, first, structs } = learning;
    const stage = STREAM.networkDropout + this.droppings++;
    const numbers: Pointer<Dropping> = putStruct(structs, Dropping, { rate, seed, stage, first });
    return values.map((x) => {
      const out = this.value(x.cols);
      this.op(
        [['addDropped', rows, x.cols, x.at, x.ld, out.at, out.ld, numbers]],
        [['addDropped', rows, x.cols, out.gradient, out.ld, x.gradient, x.ld, numbers]],
      );
      return out;
    });
  }

  /** a ⊙ b of as many rows as there are samples, or of as many as given. */
  multiply(a: Value, b: Value, rows = this.samples.rows): Value {
    const out = this.value(a.cols, rows, false);
    const { cols } = a;
    this.calls.push(['multiplyRows', rows, cols, a.at, a.ld, b.at, b.ld, out.at, out.ld, 0]);
    this.back.push([
      ['multiplyRows', rows, cols, out.gradient, out.ld, b.at, b.ld, a.gradient, a.ld, 1],
      ['multiplyRows', rows, cols, out.gradient, out.ld, a.at, a.ld, b.gradient, b.ld, 1],
    ]);
    return out;
  }

  /** Every row times the one row of b. */
  multiplyAll(a: Value, b: Value): Value {
    const { rows } = this.samples;
    const { cols } = a;
    const out = this.value(cols, rows, false);
    this.calls.push(['multiplyRows', rows, cols, a.at, a.ld, b.at, 0, out.at, cols, 0]);
    this.back.push([
      ['multiplyRows', rows, cols, out.gradient, cols, b.at, 0, a.gradient, a.ld, 1],
      ['multiplyRows', rows, cols, out.gradient, cols, a.at, a.ld, b.gradient, 0, 1],
    ]);
    return out;
  }

  /**
   * x with every row's last columns times a vector; the gradient takes the place of that of x, which has no other use.
   */
  scaleLast(x: Value, vector: Value): Value {
    const { rows } = this.samples;
    const { cols } = vector;
    const from = x.cols - cols;
    const out = { ...x, at: this.room.scratch.allocate(4 * rows * x.cols) };
    const [own, scaled] = [this.columns(x, from, cols), this.columns(out, from, cols)];
    const { gradient } = own;
    this.op(
      [
        ['clear', rows * x.cols, out.at],
        ['addInto', rows * x.cols, x.at, out.at],
        ['multiplyRows', rows, cols, own.at, x.ld, vector.at, 0, scaled.at, x.ld, 0],
      ],
      [
        ['multiplyRows', rows, cols, gradient, x.ld, own.at, x.ld, vector.gradient, 0, 1],
        ['multiplyRows', rows, cols, gradient, x.ld, vector.at, 0, gradient, x.ld, 0],
      ],
    );
    return out;
  }

  /** The product of one row with a matrix, both parameters. */
  product(row: Value, matrix: Value): Value {
    const { cols } = matrix;
    const { workspace } = this.room;
    const out = this.value(cols, 1);
    this.op(
      [['gemmNN', 1, cols, row.cols, 1, row.at, row.cols, matrix.at, cols, out.at, cols, workspace]],
      [
        ['gemmTN', row.cols, cols, 1, 1, row.at, row.cols, out.gradient, cols, matrix.gradient, cols, workspace],
        ['gemmNT', 1, row.cols, cols, 1, out.gradient, cols, matrix.at, cols, row.gradient, row.cols, workspace],
      ],
    );
    return out;
  }

  /**
   * Partitioned normalisation: by the moments of these samples, which are blended into the running ones; where nothing
   * learns, by those.
   */
  normalise(x: Value, running: string): Value {
    const { rows } = this.samples;
    const { cols } = x;
    const out = this.value(cols, rows, false);
    const kept = this.room.address(running);
    if (!this.learning) this.calls.push(['normaliseBy', rows, cols, x.at, kept, NORMAL_EPSILON, out.at]);
    else {
      const moments = this.room.scratch.allocate(8 * cols);
      this.op(
        [
          ['normaliseColumns', rows, cols, x.at, NORMAL_EPSILON, out.at, moments],
          ['blendMoments', cols, moments, kept],
        ],
        [['normaliseColumnsBackward', rows, cols, out.at, moments, NORMAL_EPSILON, out.gradient, x.gradient]],
      );
    }
    return out;
  }

  /** Softmax over the columns, at most 64. */
  softmax(x: Value): Value {
    const { rows } = this.samples;
    this.calls.push(['softmaxRows', rows, x.cols, x.at]);
    this.back.push([['softmaxRowsBackward', rows, x.cols, x.at, x.gradient]]);
    return x;
  }

  /** Σ_e weights_e x_e, a weight for each sample and value. */
  weigh(weights: Value, values: readonly Value[]): Value {
    const { rows } = this.samples;
    const [{ cols }] = values;
    const out = this.value(cols);
    const back: Call[] = [];
    for (const [e, { at, gradient }] of values.entries()) {
      const own = this.columns(weights, e, 1);
      this.calls.push(['addWeighedRows', rows, cols, own.at, weights.ld, at, out.at]);
      back.push(
        ['addWeighedRows', rows, cols, own.at, weights.ld, out.gradient, gradient],
        ['addRowDots', rows, cols, out.gradient, at, own.gradient, weights.ld],
      );
    }
    this.back.push(back);
    return out;
  }

  /** Σ_j factors_j x_j, one factor for all samples: a row of a cross-stitch unit. */
  stitch(factors: Value, values: readonly Value[]): Value {
    const [{ cols }] = values;
    const n = this.samples.rows * cols;
    const out = this.value(cols);
    const back: Call[] = [];
    for (const [j, { at, gradient }] of values.entries()) {
      const own = this.columns(factors, j, 1);
      this.calls.push(['addTimes', n, own.at, at, out.at]);
      back.push(['addTimes', n, own.at, out.gradient, gradient], ['addProduct', n, out.gradient, at, own.gradient]);
    }
    this.back.push(back);
    return out;
  }

  /** a + b of arrays of parameters, n values each. */
  sum(a: Value, b: Value, n: number): Value {
    // arrays end in zeros up to a multiple of 16
    const cols = 4 * Math.ceil(n / 4);
    const out = this.value(cols, 1);
    this.calls.push(['addInto', cols, a.at, out.at], ['addInto', cols, b.at, out.at]);
    this.back.push([
      ['addInto', cols, out.gradient, a.gradient],
      ['addInto', cols, out.gradient, b.gradient],
    ]);
    return { ...out, cols: n };
  }

  /**
   * The logits, Σ x_t W_t + b, and where the network learns, their binary cross-entropy.
   * @param out (rows) f32; room of the tape's own by default
   */
  logits(terms: readonly (readonly [x: Value, weight: Value])[], bias: Value, out?: Address): Value {
    const z = out === undefined ? this.value(1) : { at: out, gradient: NOWHERE, cols: 1, ld: 1 };
    if (out !== undefined) this.calls.push(['clear', this.samples.rows, out]);
    this.sumOfProducts(terms, bias, z, 'identity');
    const { learning } = this;
    if (learning) {
      const { each, scale, totals } = learning;
      this.back.push([['crossEntropy', this.samples.rows, each, z.at, scale, z.gradient, totals]]);
    }
    return z;
  }

  /** out = act(Σ x_t W_t + b); `out` is zero before. */
  private sumOfProducts(
    terms: readonly (readonly [x: Value, weight: Value])[],
    bias: Value | undefined,
    out: Value,
    activation: Activation,
  ): Value {
    const { rows } = this.samples;
    const { workspace } = this.room;
    const { cols, gradient } = out;
    const kind = ACTIVATION[activation];
    for (const [x, { at }] of terms)
      this.calls.push(['gemmNN', rows, cols, x.cols, 1, x.at, x.ld, at, cols, out.at, cols, workspace]);
    const active = bias !== undefined || activation !== 'identity';
    if (active) this.calls.push(['activate', rows, cols, out.at, bias?.at ?? NOWHERE, kind]);
    const derived: Call = ['activateBackward', rows, cols, out.at, gradient, bias?.gradient ?? NOWHERE, kind];
    this.back.push([
      ...(active ? [derived] : []),
      ...terms.flatMap(([x, weight]): Call[] => [
        ['gemmTN', x.cols, cols, rows, 1, x.at, x.ld, gradient, cols, weight.gradient, cols, workspace],
        ['gemmNT', rows, x.cols, cols, 1, gradient, cols, weight.at, cols, x.gradient, x.ld, workspace],
      ]),
    ]);
    return out;
  }

  /** Room for a value and its gradient, both zero. */
  value(cols: number, rows = this.samples.rows, cleared = true): Value {
    const room = (clear: boolean) => {
      const at = this.room.scratch.allocate(4 * rows * cols);
      if (clear) this.calls.push(['clear', rows * cols, at]);
      return at;
    };
    return { at: room(cleared), gradient: this.learning ? room(true) : NOWHERE, cols, ld: cols };
  }
}
