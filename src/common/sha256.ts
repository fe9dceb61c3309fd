import { ArgumentError } from './errors.ts';

/**
 * SHA-256 of bytes, as 64 hexadecimal digits: the name of those bytes wherever they are kept.
 * @throws ArgumentError on a host without WebCrypto, such as a page that was not loaded by https.
 * @example
 * await sha256(new Uint8Array()); // → 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle)
    throw ArgumentError.because('crypto', 'this host has no crypto.subtle; a page must be loaded by https to have it');
  const digest = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
