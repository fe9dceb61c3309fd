import { createHash } from 'node:crypto';
import { canonicalJson } from '../common/canonical-json.ts';
import { embeddedKernels } from '../engine/embedded.ts';

/** SHA-256 of bytes or of a text's UTF-8, in hexadecimal. */
export const digestOf = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** Of a value: that of its canonical JSON. @throws RangeError for what JSON cannot hold. */
export const digestOfValue = (value: unknown): string => digestOf(canonicalJson(value));

/** Whether a value is a digest as `digestOf` gives it. */
export const isDigest = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

let kernels: string | undefined;

/**
 * Of the kernels that this package was built with. It is part of every job's name, and of a queue's: machines with
 * other
 * kernels share neither results nor work.
 */
export function kernelsDigest(): string {
  kernels ??= digestOf(embeddedKernels);
  return kernels;
}
