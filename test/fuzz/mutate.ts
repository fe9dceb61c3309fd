// Mutations of model files: of the bytes as they are, and of the sections, which are put together again with fresh
// checksums.
import { pick, type Random, randomBytes } from './engine.ts';
import {
  type Draft,
  ENTRY,
  ENTRY_FIELDS,
  HEADER,
  HEADER_FIELDS,
  type Part,
  putTogether,
  seal,
  takeApart,
  WHOLE_MODEL,
} from './model-file.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const EXTREMES = [
  0, 1, 2, 3, 7, 8, 63, 64, 65, 127, 128, 255, 256, 65_535, 65_536, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001,
  0xfffffffe, 0xffffffff, 0xffffffc0, 0x10000000, 0x20000000, 0x40000000,
];
/** NaN, infinities, the largest, denormal and signed zero f32, and limits that a score might overflow at. */
const F32_BITS = [
  0x7fc00000, 0xffc00001, 0x7f800000, 0xff800000, 0x7f7fffff, 0xff7fffff, 1, 0x80000001, 0, 0x80000000, 0x007fffff,
  0x4e6e6b28, 0x4e6e6b29, 0xce6e6b28, 0x3f800000, 0x5f000000, 0x1e3ce508, 0x19000000,
];
const F64_VALUES = [
  Number.NaN,
  Infinity,
  -Infinity,
  1e308,
  -1e308,
  5e-324,
  -0,
  0,
  1,
  -1,
  1e9,
  1.0000001e9,
  -1e9,
  1e39,
  1000,
  -1000,
  700,
  0.5,
];
/** Infinity, NaN, the largest, the smallest, the least normal, signed zero, one. */
const HALF_BITS = [0x7c00, 0xfc00, 0x7e00, 0x7bff, 0xfbff, 1, 0x8001, 0x03ff, 0x0400, 0, 0x8000, 0x3c00, 0xbc00];
const BYTES = [0, 1, 0x7f, 0x80, 0x81, 0xff];
const TEXTS = [
  '',
  '__proto__',
  'constructor',
  '\u0000',
  '\ufeff',
  '\ufeffa',
  'a'.repeat(300),
  'é',
  '\u{10ffff}',
  '\n',
  '"',
  '\u2028',
  'de',
  'm1',
  'm2',
  'zz',
];
/** Not UTF-8: a lone surrogate, an overlong slash, a byte that never occurs, a start without an end. */
const WRONG_UTF8 = [[0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xff], [0xe2, 0x82], [0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]];
const JSON_TEXTS = [
  '',
  '{',
  '{}',
  '[]',
  'null',
  '1',
  '"x"',
  '{"a":1e999}',
  '{"a":-0}',
  '{"a":1.0}',
  '{"b":1,"a":2}',
  '{ }',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"a":NaN}',
  '{"a":1,"a":2}',
  '{"a":"\\u0041"}',
  '{"a":"\\ud800"}',
  '{"a":1e21}',
  '{"a":100000000000000000000000}',
  '{"toString":null}',
  `{"a":${'['.repeat(62)}${']'.repeat(62)}}`,
  `{"a":${'['.repeat(64)}${']'.repeat(64)}}`,
  '['.repeat(40_000),
  `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  '\ufeff{}',
  '{"options":{"model":"ease"}}',
];

/** A file that differs from every original, made of one or two of them. */
export function mutate(random: Random, originals: readonly Bytes[]): Bytes {
  for (;;) {
    const original = pick(random, originals);
    const other = pick(random, originals);
    const bytes = random.below(3) === 0 ? mutateBytes(random, original, other) : mutateParts(random, original, other);
    if (originals.every((each) => Buffer.compare(each, bytes) !== 0)) return bytes;
  }
}

// --- bytes ----------------------------------------------------------------------------------------------------------

function mutateBytes(random: Random, original: Bytes, other: Bytes): Bytes {
  let bytes = original.slice();
  for (let changes = random.below(3); changes >= 0; changes--) bytes = changeBytes(random, bytes, other);
  return random.below(2) === 0 ? seal(bytes) : bytes;
}

function changeBytes(random: Random, bytes: Bytes, other: Bytes): Bytes {
  if (bytes.length < 4) return other.slice();
  const view = new DataView(bytes.buffer);
  // Half of the changes fall into header and table, which are small compared with the rest.
  const at =
    random.below(2) === 0 ? random.below(Math.min(bytes.length, HEADER + ENTRY * 20)) : random.below(bytes.length);
  switch (random.below(12)) {
    case 0:
      bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 1:
      bytes[at] = pick(random, [0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
      return bytes;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return bytes.slice(0, at & ~63);
    case 4:
      return concatenate(
        bytes,
        random.below(2) === 0 ? new Uint8Array(64 * (1 + random.below(3))) : randomBytes(random, 1 + random.below(200)),
      );
    case 5: {
      const from = random.below(other.length);
      const length = random.below(Math.min(512, other.length - from, bytes.length - at) + 1);
      bytes.set(other.subarray(from, from + length), at);
      return bytes;
    }
    case 6:
      return concatenate(bytes.subarray(0, at & ~63), other.subarray(random.below(other.length) & ~63));
    case 7:
      bytes.copyWithin(at, random.below(bytes.length), random.below(bytes.length));
      return bytes;
    case 8:
    case 9: {
      const field = fieldOf(random, bytes);
      if (field + 4 <= bytes.length) view.setUint32(field, pick(random, EXTREMES), true);
      return bytes;
    }
    case 10: {
      const field = fieldOf(random, bytes);
      if (field + 4 <= bytes.length)
        view.setUint32(field, view.getUint32(field, true) + pick(random, [-64, -1, 1, 64]), true);
      return bytes;
    }
    default:
      // The header's length made to fit, so that a cut or longer file gets past it.
      if (bytes.length >= HEADER) view.setUint32(16, bytes.length, true);
      return bytes;
  }
}

/** Where a field of the header, or of an entry of the table, starts. */
function fieldOf(random: Random, bytes: Bytes): number {
  if (bytes.length < HEADER || random.below(3) === 0) return pick(random, HEADER_FIELDS);
  const entries = new DataView(bytes.buffer).getUint32(12, true);
  return HEADER + ENTRY * random.below(Math.max(1, Math.min(entries, 64))) + pick(random, ENTRY_FIELDS);
}

function concatenate(a: Uint8Array, b: Uint8Array): Bytes {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

// --- sections -------------------------------------------------------------------------------------------------------

function mutateParts(random: Random, original: Bytes, other: Bytes): Bytes {
  const draft = takeApart(original);
  for (let changes = random.below(2); changes >= 0; changes--) changeDraft(random, draft, takeApart(other));
  const bytes = putTogether(draft);
  return random.below(8) === 0
    ? changeBytes(random, bytes, other)
    : random.below(8) === 0
      ? seal(changeBytes(random, bytes, other))
      : bytes;
}

function changeDraft(random: Random, draft: Draft, other: Draft): void {
  const { parts } = draft;
  if (parts.length === 0) return;
  const index = random.below(parts.length);
  const part = parts[index];
  switch (random.below(17)) {
    case 0:
      parts.splice(index, 1);
      return;
    case 1:
      parts.splice(random.below(parts.length + 1), 0, { ...part });
      return;
    case 2: {
      const second = random.below(parts.length);
      parts[index] = parts[second];
      parts[second] = part;
      return;
    }
    case 3:
      if (random.below(2) === 0)
        part.code = pick(random, [0, 1, 2, 3, 15, 16, 17, 18, 22, 25, 26, 30, 31, 32, 33, 34, 35, 0xffffffff]);
      else part.market = pick(random, [0, 1, 2, 3, draft.markets, WHOLE_MODEL, 0x7fffffff]);
      return;
    case 4: {
      const field = pick(random, ['kind', 'dim', 'markets', 'items', 'version'] as const);
      draft[field] =
        random.below(3) === 0 ? pick(random, EXTREMES) : Math.max(0, draft[field] + pick(random, [-1, 1, 2]));
      return;
    }
    case 5:
      if (random.below(2) === 0) part.rows = random.below(2) === 0 ? pick(random, EXTREMES) : part.rows + 1;
      else part.cols = pick(random, EXTREMES);
      return;
    case 6:
      transpose(random, part);
      return;
    case 7:
      resize(random, part);
      return;
    case 8: {
      // The section of the same kind elsewhere: in this file or the other one.
      const twins = [...parts, ...other.parts].filter((each) => each.code === part.code && each !== part);
      if (twins.length > 0) Object.assign(part, { ...pick(random, twins), market: part.market });
      return;
    }
    case 9:
      dropGroup(random, draft, part.market);
      return;
    case 10:
      changeMarkets(random, draft);
      return;
    case 11:
      changeText(
        random,
        pick(
          random,
          parts.filter(({ dtype }) => dtype === 1),
        ) ?? part,
      );
      return;
    case 12:
      changeIds(random, draft);
      return;
    case 13:
      part.dtype = pick(random, [0, 1, 2, 3, 4, 5, 6, 7, 8, 255, 0xffffffff]);
      return;
    default:
      for (let changes = random.below(3); changes >= 0; changes--)
        changeValue(random, random.below(2) === 0 ? part : pick(random, parts));
  }
}

/** The same bytes in another shape. */
function transpose(random: Random, part: Part): void {
  const values = part.rows * part.cols;
  const factors = [1, 2, 3, 4, 5, 8, 16].filter((factor) => values % factor === 0);
  part.cols = random.below(3) === 0 ? part.rows : pick(random, factors);
  part.rows = part.cols === 0 ? 0 : values / part.cols;
}

/** Other rows: fewer, more, or none, with the bytes that they take. */
function resize(random: Random, part: Part): void {
  if (part.rows * part.cols > part.data.length) return;
  const row = part.rows > 0 ? Math.floor(part.data.length / part.rows) : 4;
  const rows = pick(random, [0, 1, part.rows - 1, part.rows + 1, part.rows + 2]);
  if (rows < 0) return;
  const data = new Uint8Array(rows * row);
  data.set(part.data.subarray(0, data.length));
  if (rows > part.rows && part.rows > 0 && random.below(2) === 0)
    data.copyWithin(part.data.length, 0, data.length - part.data.length);
  part.data = data;
  part.rows = rows;
}

const GROUPS = [
  [19, 20, 21],
  [22, 23],
  [22, 23, 32, 33],
  [24],
  [26, 27, 28, 29, 30],
  [26, 27, 28, 29, 30, 34],
  [26, 27, 28, 29],
  [30],
  [30, 34],
  [22, 23, 30],
  [22, 23, 30, 32, 33, 34],
  [32, 33, 34],
  [33],
];

/** A market without its users, vectors, linear scores or bias, or with nothing but one of these. */
function dropGroup(random: Random, draft: Draft, market: number): void {
  const group = pick(random, GROUPS);
  const all = random.below(2) === 0;
  draft.parts = draft.parts.filter(
    (part) => !((all || part.market === market) && part.market !== WHOLE_MODEL && group.includes(part.code)),
  );
}

/** A market removed, put twice, or given to another place. */
function changeMarkets(random: Random, draft: Draft): void {
  if (draft.markets === 0) return;
  const chosen = random.below(draft.markets);
  const rest = draft.parts.filter(({ market }) => market !== chosen);
  const own = draft.parts.filter(({ market }) => market === chosen);
  switch (random.below(4)) {
    case 0:
      draft.parts = rest.map((part) =>
        part.market !== WHOLE_MODEL && part.market > chosen ? { ...part, market: part.market - 1 } : part,
      );
      draft.markets--;
      return;
    case 1:
      draft.parts = [...draft.parts, ...own.map((part) => ({ ...part, market: draft.markets }))];
      draft.markets++;
      // A name that comes after the others makes the copy a market of its own.
      if (random.below(2) === 0)
        for (const part of draft.parts) if (part.code === 16 && part.market === draft.markets - 1) setText(part, 'zzz');
      return;
    case 2: {
      const second = random.below(draft.markets);
      const place = (market: number) => (market === chosen ? second : market === second ? chosen : market);
      draft.parts = draft.parts
        .map((part) => ({ ...part, market: place(part.market) }))
        .sort((a, b) => ((a.market + 1) >>> 0) - ((b.market + 1) >>> 0));
      return;
    }
    default:
      draft.parts = rest;
  }
}

function setText(part: Part, text: string): void {
  part.data = new TextEncoder().encode(text);
  part.rows = part.data.length;
  part.cols = 1;
}

function changeText(random: Random, part: Part): void {
  if (part.code === 1) {
    setText(part, pick(random, JSON_TEXTS));
    return;
  }
  switch (random.below(3)) {
    case 0:
      setText(part, pick(random, TEXTS));
      return;
    case 1: {
      const wrong = pick(random, WRONG_UTF8);
      const at = random.below(part.data.length + 1);
      if (random.below(2) === 0)
        part.data.set(wrong.slice(0, Math.max(0, part.data.length - at)), Math.min(at, part.data.length));
      else
        part.data = concatenate(concatenate(part.data.subarray(0, at), Uint8Array.from(wrong)), part.data.subarray(at));
      part.rows = part.data.length;
      return;
    }
    default:
      if (part.data.length > 0) part.data[random.below(part.data.length)] = random.below(256);
  }
}

/** Other ids with offsets that fit: in order or not, twice, empty, or not text at all. */
function changeIds(random: Random, draft: Draft): void {
  const lists = draft.parts.filter(({ code }) => code === 2 || code === 26);
  if (lists.length === 0) return;
  const ids = pick(random, lists);
  const offsets = draft.parts.find(({ code, market }) => code === ids.code + 1 && market === ids.market);
  if (!offsets) return;
  const count = Math.max(0, (offsets.data.length >> 2) - 1 + pick(random, [0, 0, 0, 0, -1, 1]));
  const texts = Array.from(
    { length: count },
    (_, i) => `${pick(random, TEXTS).slice(0, 40)}${random.below(4) === 0 ? '' : String(i)}`,
  );
  if (random.below(4) > 0) texts.sort();
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  if (random.below(4) === 0 && count > 0) encoded[random.below(count)] = Uint8Array.from(pick(random, WRONG_UTF8));
  setText(ids, '');
  ids.data = encoded.reduce(concatenate, new Uint8Array(0));
  ids.rows = ids.data.length;
  const ends = new Uint32Array(count + 1);
  for (const [i, each] of encoded.entries()) ends[i + 1] = ends[i] + each.length;
  // A border moved by one may fall inside a character.
  if (random.below(4) === 0 && count > 1) ends[1 + random.below(count - 1)] += pick(random, [-1, 1]);
  offsets.data = new Uint8Array(ends.buffer);
  offsets.rows = count + 1;
}

/** One value of a section, by its type. */
function changeValue(random: Random, part: Part): void {
  const { data, dtype } = part;
  const view = new DataView(data.buffer);
  const size = dtype === 5 ? 8 : dtype === 6 ? 2 : dtype === 1 || dtype === 7 ? 1 : 4;
  const count = Math.floor(data.length / size);
  if (count === 0) return;
  const at = size * random.below(count);
  const second = size * random.below(count);
  if (dtype === 1) {
    changeText(random, part);
  } else if (random.below(5) === 0) {
    const kept = data.slice(at, at + size);
    data.copyWithin(at, second, second + size);
    if (random.below(2) === 0) data.set(kept, second);
  } else if (dtype === 5) {
    view.setFloat64(at, pick(random, F64_VALUES), true);
  } else if (dtype === 6) {
    view.setUint16(at, pick(random, HALF_BITS), true);
  } else if (dtype === 7) {
    data[at] = pick(random, BYTES);
    // A zero row, or one of largest values, where the whole is to be one.
    if (random.below(4) === 0)
      data.fill(data[at], at - (at % Math.max(1, part.cols)), at - (at % Math.max(1, part.cols)) + part.cols);
  } else if (dtype === 4) {
    const bits = pick(random, F32_BITS);
    // One value, one row, or the whole section.
    const [from, to] =
      random.below(3) > 0
        ? [at, at + 4]
        : random.below(2) === 0
          ? [0, data.length - (data.length % 4)]
          : [at, Math.min(data.length - (data.length % 4), at + 4 * Math.max(1, part.cols))];
    for (let each = from; each < to; each += 4) view.setUint32(each, bits, true);
  } else if (random.below(2) === 0) {
    view.setUint32(at, pick(random, EXTREMES), true);
  } else {
    view.setUint32(at, view.getUint32(at, true) + pick(random, [-1, 1]), true);
  }
}
