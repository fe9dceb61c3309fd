// Writes a model file of about the size that is named, by the library's own writer: markets with vectors of 128
// dimensions. Its tables lie in memory once, and are written once for each market.
import { encodeModel } from '../../dist/index.js';
import { writeFileAtomically } from '../../dist/node.js';

const DIM = 128;
const MARKETS = 4;
const [path, bytes] = process.argv.slice(2);
const count = Math.ceil(Number(bytes) / MARKETS / (8 * DIM));
const items = Array.from({ length: count }, (_, i) => `P${String(i).padStart(7, '0')}`);
const own = Int32Array.from({ length: count }, (_, i) => i);
const vectors = new Float32Array(count * DIM);
// unit rows of signs that differ from item to item
for (let at = 0, state = 1; at < vectors.length; at++) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  vectors[at] = (state & 0x40000000 ? 1 : -1) / Math.sqrt(DIM);
}
const market = {
  items: own,
  popularity: Uint32Array.from(own, (i) => count - i),
  foldIn: vectors,
  vectors,
  linearWeight: 0,
  linearPower: 0,
  cosineWeight: 1,
};
const markets = Array.from({ length: MARKETS }, (_, m) => ({ name: `m${m}`, ...market }));
await writeFileAtomically(path, encodeModel({ kind: 'm3rec', dim: DIM, items, markets, training: {} }));
