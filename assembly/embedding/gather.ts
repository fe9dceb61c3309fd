// The second phase of skip-gram (skipgram.ts): adds the gradients by position to the items, one range of items at a
// time.
import { at32, bytesOf, f32At, i32At } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { Struct } from '../core/struct';

/** An entry that `partition` writes. */
@unmanaged
export class Entry extends Struct {
  item: i32;
  /** Position in the walks of a round. */
  position: i32;
  /** The negative's error; undefined in entries without values. */
  error: f32;
}

/**
 * Sorts entries by ranges of 2^shift items, in order within a range: entry e, of items[e], becomes
 * (items[e], first + ⌊e / per⌋, values[e]). Leaves out negative items.
 * @param count entries
 * @param items count × i32
 * @param values count × f32, or address 0: the third word is then not written
 * @param first position of the first entry
 * @param per entries of a position
 * @param shift log₂ of the items of a range
 * @param ranges number of ranges
 * @param indptr (ranges + 1) × i32, where each range starts
 * @param out count × 12 bytes
 */
export function partition(
  count: i32,
  items: usize,
  values: usize,
  first: i32,
  per: i32,
  shift: i32,
  ranges: i32,
  indptr: usize,
  out: usize,
): void {
  memory.fill(indptr, 0, (<usize>ranges + 1) << 2);
  for (let e = 0; e < count; e++) {
    const item = i32At(items, e);
    if (item < 0) continue;
    const cell = at32(indptr, item >> shift);
    store<i32>(cell, load<i32>(cell, 4) + 1, 4);
  }
  for (let r = 1; r <= ranges; r++) {
    const cell = at32(indptr, r);
    store<i32>(cell, load<i32>(cell) + load<i32>(cell - 4));
  }
  // filling moves each range's start to its end; it is restored afterwards
  let index = first;
  for (let e = 0; e < count; index++) {
    for (const last = min<i32>(count, e + per); e < last; e++) {
      const item = i32At(items, e);
      if (item < 0) continue;
      const cell = at32(indptr, item >> shift);
      const at = load<i32>(cell);
      store<i32>(cell, at + 1);
      const to = changetype<Entry>(out + <usize>at * offsetof<Entry>());
      to.item = item;
      to.position = index;
      if (values != 0) to.error = f32At(values, e);
    }
  }
  memory.copy(indptr + 4, indptr, bytesOf(ranges));
  store<i32>(indptr, 0);
}

/** The results of a round of walks, block by block, and the tables that take their gradients. */
@unmanaged
export class Round extends Struct {
  /** Ranges of items, as in `partition`. */
  ranges: i32;
  /** Blocks of walks, one after the other. */
  blocks: i32;
  /** Bytes from a block's positions to the next block's, and from its `drawn`. */
  blockBytes: u32;
  /** As in `skipgram`, from the first position of the first block on. */
  walks: usize;
  centres: usize;
  contexts: usize;
  /** `partition`'s indptr, then its out, of the first block's walks. */
  positions: usize;
  /** The same of its negatives. */
  drawn: usize;
  d: i32;
  /** V (n × d f32). */
  v: usize;
  /** The gradients of V and V̄ (n × d f32). */
  dv: usize;
  dvbar: usize;
}

/**
 * Adds to the gradients of one range of items. For each block of walks: first the gradients of the positions that hold
 * the items, in order, then those of the draws as negatives.
 */
export function addGradients(range: i32, round: Round): void {
  const walks = round.walks;
  const centres = round.centres;
  const contexts = round.contexts;
  const v = round.v;
  const dv = round.dv;
  const dvbar = round.dvbar;
  let positions = round.positions;
  let drawn = round.drawn;
  const blocks = round.blocks;
  const blockBytes = <usize>round.blockBytes;
  const stride = bytesOf(round.d);
  const header = (<usize>round.ranges + 1) << 2;
  for (let block = 0; block < blocks; block++) {
    const p = positions + header;
    const pEnd = p + <usize>rowEnd(positions, range) * offsetof<Entry>();
    for (let at = p + <usize>rowBegin(positions, range) * offsetof<Entry>(); at < pEnd; at += offsetof<Entry>()) {
      const row = <usize>changetype<Entry>(at).item * stride;
      const from = <usize>changetype<Entry>(at).position * stride;
      addRow(dv + row, centres + from, stride);
      addRow(dvbar + row, contexts + from, stride);
    }
    const q = drawn + header;
    const qEnd = q + <usize>rowEnd(drawn, range) * offsetof<Entry>();
    for (let at = q + <usize>rowBegin(drawn, range) * offsetof<Entry>(); at < qEnd; at += offsetof<Entry>()) {
      const entry = changetype<Entry>(at);
      const out = dvbar + <usize>entry.item * stride;
      const x = v + <usize>i32At(walks, entry.position) * stride;
      const e = v128.load32_splat(at, offsetof<Entry>('error'));
      for (let c: usize = 0; c < stride; c += 64) {
        v128.store(out + c, f32x4.sub(v128.load(out + c), f32x4.mul(e, v128.load(x + c))));
        v128.store(out + c, f32x4.sub(v128.load(out + c, 16), f32x4.mul(e, v128.load(x + c, 16))), 16);
        v128.store(out + c, f32x4.sub(v128.load(out + c, 32), f32x4.mul(e, v128.load(x + c, 32))), 32);
        v128.store(out + c, f32x4.sub(v128.load(out + c, 48), f32x4.mul(e, v128.load(x + c, 48))), 48);
      }
    }
    positions += blockBytes;
    drawn += blockBytes;
  }
}

// @ts-ignore: decorator
@inline
function addRow(out: usize, x: usize, bytes: usize): void {
  for (let c: usize = 0; c < bytes; c += 64) {
    v128.store(out + c, f32x4.add(v128.load(out + c), v128.load(x + c)));
    v128.store(out + c, f32x4.add(v128.load(out + c, 16), v128.load(x + c, 16)), 16);
    v128.store(out + c, f32x4.add(v128.load(out + c, 32), v128.load(x + c, 32)), 32);
    v128.store(out + c, f32x4.add(v128.load(out + c, 48), v128.load(x + c, 48)), 48);
  }
}
