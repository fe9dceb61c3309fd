// Bytes to text: UTF-8, UTF-16 by its mark, other encodings by name. Bytes that are not UTF-8 do no harm in columns
// that nobody reads.
import { ArgumentError, DataError } from '../common/errors.ts';
import { concatenate } from './source.ts';

/** A piece of a file's text. */
export interface TextPiece {
  text: string;
  /**
   * Whether it may have what ids should not: zeros, bytes that were no characters, halves of surrogate pairs, lone CRs.
   */
  dubious: boolean;
}

/**
 * Stands for a byte (128 to 255) that is not UTF-8, plus the byte: halves of surrogate pairs, which no right text has
 * alone.
 */
const ESCAPE = 0xdc00;

/**
 * The text of pieces of bytes or text, without a byte order mark, a piece for a piece.
 * @param encoding as TextDecoder names it; without it UTF-8, or UTF-16 by its mark.
 * @throws DataError for UTF-32. @throws ArgumentError for an encoding that the host does not know.
 */
export async function* decode(
  pieces: AsyncIterable<Uint8Array | string>,
  fileName: string,
  encoding: string | undefined,
): AsyncGenerator<TextPiece> {
  let decoder: ((bytes: Uint8Array | undefined) => TextPiece) | undefined;
  let first = true;
  for await (const piece of pieces) {
    let result: TextPiece;
    if (typeof piece === 'string') result = { text: piece, dubious: isDubious(piece) };
    else {
      decoder ??= decoderOf(encoding ?? markOf(piece, fileName) ?? 'utf-8');
      result = decoder(piece);
    }
    if (first && result.text.startsWith('\ufeff')) result.text = result.text.slice(1);
    if (piece.length > 0) first = false;
    yield result;
  }
  const rest = decoder?.(undefined);
  if (rest && rest.text !== '') yield rest;
}

function isDubious(text: string): boolean {
  return /\0|\p{Surrogate}/u.test(text) || hasLoneReturn(text);
}

/** Whether a line's end for old systems stands inside a line. */
function hasLoneReturn(text: string): boolean {
  return text.includes('\r') && /\r(?!\n)/.test(text);
}

/** The encoding that the first bytes name. */
export function markOf(bytes: Uint8Array, fileName: string): string | undefined {
  const [a, b, c, d] = bytes;
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff))
    throw new DataError(fileName, undefined, 'this is UTF-32 text: save it as UTF-8');
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  return undefined;
}

/** Whether the name means UTF-8. @throws ArgumentError for a name that the host does not know. */
export function isUtf8(encoding: string): boolean {
  try {
    return new TextDecoder(encoding).encoding === 'utf-8';
  } catch {
    throw new ArgumentError(
      'encoding',
      encoding,
      'an encoding that this host knows, such as utf-8, utf-16le, windows-1252, shift_jis',
    );
  }
}

function decoderOf(encoding: string): (bytes: Uint8Array | undefined) => TextPiece {
  if (isUtf8(encoding)) return utf8();
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  return (bytes) => {
    const text = bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    return { text, dubious: text.includes('\ufffd') || isDubious(text) };
  };
}

function utf8(): (bytes: Uint8Array | undefined) => TextPiece {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = new Uint8Array(0);
  return (piece) => {
    const bytes = piece === undefined ? rest : rest.length === 0 ? piece : concatenate(rest, piece);
    const whole = piece === undefined ? bytes.length : bytes.length - incompleteTail(bytes);
    rest = bytes.slice(whole);
    const complete = bytes.subarray(0, whole);
    try {
      const text = strict.decode(complete);
      return { text, dubious: complete.includes(0) || hasLoneReturn(text) };
    } catch {
      return { text: escaped(complete), dubious: true };
    }
  };
}

/** Bytes at the end (0 to 3) that start a character which goes on in the next piece. */
function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/** The text with each byte that is part of no character as `ESCAPE` + byte. */
function escaped(bytes: Uint8Array): string {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text = '';
  let right = 0;
  for (let at = 0; at < bytes.length; ) {
    const size = characterAt(bytes, at);
    if (size > 0) at += size;
    else {
      text += strict.decode(bytes.subarray(right, at)) + String.fromCharCode(ESCAPE + bytes[at]);
      right = ++at;
    }
  }
  return text + strict.decode(bytes.subarray(right));
}

/** The length of the character that begins at `at`; 0 where none does (RFC 3629, table of well-formed sequences). */
function characterAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (!(bytes[at + 1] >= low && bytes[at + 1] <= high)) return 0;
  for (let i = 2; i < size; i++) if ((bytes[at + i] & 0xc0) !== 0x80 || at + i >= bytes.length) return 0;
  return size;
}

/**
 * What is wrong with the characters of an id of a dubious piece, in a few words.
 * @param replaced whether what could not be decoded is U+FFFD in this text.
 */
export function badCharacters(id: string, replaced: boolean): string | undefined {
  if (id.includes('\0')) return 'a zero byte';
  if (/\p{Surrogate}/u.test(id))
    return /[\udc80-\udcff]/.test(id)
      ? 'bytes that are not UTF-8 (if the file is in another encoding, name it: --encoding windows-1252)'
      : 'half of a surrogate pair';
  return replaced && id.includes('\ufffd') ? 'bytes that are invalid in its encoding' : undefined;
}

/**
 * The same text, in memory of its own. A field of a parsed text may be a slice that keeps the whole text alive;
 * going through UTF-8 is the one copy that every engine really makes.
 */
export function copyString(text: string): string {
  return decoder.decode(encoder.encode(text));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
