/** (8 × 256) the CRC-32 tables of gzip and zip for eight bytes at a time. */
const TABLES = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  TABLES[byte] = crc;
}
for (let byte = 0; byte < 256; byte++)
  for (let table = 1; table < 8; table++) {
    const before = TABLES[256 * (table - 1) + byte];
    TABLES[256 * table + byte] = TABLES[before & 255] ^ (before >>> 8);
  }

/** CRC-32 (ISO 3309) of `bytes` that follow others with the checksum `crc`; 0 for none. Unsigned. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  const t = TABLES;
  let c = ~crc;
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const low = c ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    c =
      t[1792 + (low & 255)] ^
      t[1536 + ((low >>> 8) & 255)] ^
      t[1280 + ((low >>> 16) & 255)] ^
      t[1024 + (low >>> 24)] ^
      t[768 + bytes[at + 4]] ^
      t[512 + bytes[at + 5]] ^
      t[256 + bytes[at + 6]] ^
      t[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) c = t[(c ^ bytes[at]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}
