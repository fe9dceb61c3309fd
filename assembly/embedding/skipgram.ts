// Skip-gram with negative sampling over walks, in two phases that threads can each share. The first takes every walk by
// itself (skipgram-pairs.ts, skipgram-negatives.ts): its rows of V and V̄ stay in L1, the pairs inside the walk are
// small matrix products, and gradients are stored by position in the walk. The second takes every range of items by
// itself (gather.ts): it adds the gradients from all positions that hold the items, and from their draws as negatives.
import { at32, bytesOf, i32At } from '../core/arrays';
import { log } from '../core/math';
import { stream } from '../core/random';
import { Struct } from '../core/struct';
import { drawNegatives, negativeErrors, negativeGradient } from './skipgram-negatives';
import { centreGradients, contextGradients, errorsOf, scoreWindow } from './skipgram-pairs';

/** The arguments that all walks of a training share. */
@unmanaged
export class SkipGram extends Struct {
  /** Items of a walk. */
  length: i32;
  window: i32;
  /** A multiple of 16. */
  d: i32;
  negatives: i32;
  /** Items. */
  n: i32;
  /** The alias table of buildUnigramTable. */
  thresholds: usize;
  aliases: usize;
  seed: u32;
  stage: u32;
  /** V and V̄ (n × d f32). */
  v: usize;
  vbar: usize;
}

/**
 * Gradients of the walks [begin, end), by position:
 *
 *   L = −Σ_pairs ( log σ(v_i·v̄_j) + Σ_k log σ(−v_i·v̄_k) )   over all pairs (i, j) at most `window` apart in a walk.
 *
 * Each pair has `negatives` negatives from the alias table. The pairs of one centre share them, so each counts once for
 * each pair of that centre. Walk w draws from the stream (seed, stage, w) alone.
 * @param begin the first walk
 * @param end the walk after the last
 * @param walks (end − begin) × length × i32, item positions, walk `begin` first
 * @param training what all walks share
 * @param centres a row of d f32 for each position: gets the gradient of v_i, its negatives first, then its contexts, in
 * order
 * @param contexts a row of d f32 for each position: gets that of v̄_i as a context of the positions around it, in order
 * @param items `negatives` × i32 for each position: gets its negatives; −1 for a position without pairs
 * @param errors `negatives` × f32 for each position: −error · v_i is the gradient of v̄_k
 * @param scratch skipgramScratchBytes(…)
 * @param totals 2 × f64: the loss and the number of pairs are added
 */
export function skipgram(
  begin: i32,
  end: i32,
  walks: usize,
  training: SkipGram,
  centres: usize,
  contexts: usize,
  items: usize,
  errors: usize,
  scratch: usize,
  totals: usize,
): void {
  const length = training.length;
  const negatives = training.negatives;
  const n = training.n;
  const thresholds = training.thresholds;
  const aliases = training.aliases;
  const v = training.v;
  const vbar = training.vbar;
  const stride = bytesOf(training.d);
  const reach = min<i32>(training.window, length - 1);
  const middle = reach + 3;
  const width = bandWidth(reach);
  const band = scratch;
  const own = at32(band, width * blocked(length));
  const around = own + <usize>blocked(length) * stride;
  const rows = around + <usize>(length + 3) * stride;
  memory.fill(own, 0, <usize>(blocked(length) + length + 3) * stride);
  let loss = load<f64>(totals);
  let pairs = load<f64>(totals, 8);
  for (let w = begin; w < end; w++) {
    const key = stream(training.seed, training.stage, w);
    for (let t = 0; t < length; t++) {
      const row = <usize>i32At(walks, t) * stride;
      copyRow(own + <usize>t * stride, v + row, stride);
      copyRow(around + <usize>t * stride, vbar + row, stride);
    }
    scoreWindow(length, reach, middle, width, stride, own, around, band);
    for (let t = 0; t < blocked(length); t++) {
      const from = t < length ? max<i32>(0, t - reach) - t + middle : 0;
      const to = t < length ? min<i32>(length - 1, t + reach) - t + middle : -4;
      const positive = errorsOf(at32(band, t * width), from, to, middle, width);
      const count = to - from;
      const drawn = at32(items, t * negatives);
      const centre = centres + <usize>t * stride;
      if (count <= 0) {
        if (t < length) {
          memory.fill(centre, 0, stride);
          memory.fill(drawn, 0xff, bytesOf(negatives));
        }
        continue;
      }
      const error = at32(errors, t * negatives);
      drawNegatives(key, t, negatives, n, thresholds, aliases, vbar, stride, drawn, rows);
      const negative = negativeErrors(own + <usize>t * stride, count, negatives, stride, rows, error);
      loss -= log(max<f64>(positive, 1e-300)) + <f64>count * log(max<f64>(negative, 1e-300));
      pairs += <f64>count;
      negativeGradient(centre, negatives, stride, rows, error);
    }
    for (let t = 0; t < length; t += 4) {
      const from = max<i32>(0, t - reach);
      const to = min<i32>(length - 1, t + 3 + reach);
      const block = min<i32>(4, length - t);
      centreGradients(t, from, to, block, middle, width, stride, band, around, centres);
      contextGradients(t, from, to, block, middle, width, stride, band, own, contexts);
    }
    walks += bytesOf(length);
    centres += <usize>length * stride;
    contexts += <usize>length * stride;
    items += bytesOf(length * negatives);
    errors += bytesOf(length * negatives);
  }
  store<f64>(totals, loss);
  store<f64>(totals, pairs, 8);
}

/** Bytes of scratch of `skipgram`. */
export function skipgramScratchBytes(length: i32, window: i32, d: i32, negatives: i32): usize {
  const rows = blocked(length);
  return (
    bytesOf(rows * bandWidth(min<i32>(window, length - 1)) + (rows + length + 3) * d) + ((<usize>(negatives + 3)) << 3)
  );
}

/** Positions, padded to blocks of four. */
// @ts-ignore: decorator
@inline
function blocked(length: i32): i32 {
  return (length + 3) & ~3;
}

/**
 * Cells of a row of errors: distances from −reach − 3 to reach + 3, which the blocks of four touch, padded to vectors.
 */
// @ts-ignore: decorator
@inline
function bandWidth(reach: i32): i32 {
  return (2 * reach + 7 + 3) & ~3;
}

// @ts-ignore: decorator
@inline
function copyRow(out: usize, x: usize, bytes: usize): void {
  for (let c: usize = 0; c < bytes; c += 64) {
    v128.store(out + c, v128.load(x + c));
    v128.store(out + c, v128.load(x + c, 16), 16);
    v128.store(out + c, v128.load(x + c, 32), 32);
    v128.store(out + c, v128.load(x + c, 48), 48);
  }
}
