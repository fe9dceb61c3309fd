// Loads the model file that is named and answers 1,000 times; without a file, does nothing. Prints what memory that
// took, as JSON.
import { existsSync, readFileSync } from 'node:fs';

const [path] = process.argv.slice(2);
let facts = {};
if (path) {
  const { loadModel } = await import('../../dist/index.js');
  const { readBytes } = await import('../../dist/node.js');
  const bytes = await readBytes(path);
  const recommender = await loadModel(bytes);
  const [market] = recommender.model.markets;
  for (let i = 0; i < 1000; i++) {
    const items = Array.from(
      { length: 20 },
      (_, h) => recommender.model.items[market.items[(i * 37 + h * 101) % market.items.length]],
    );
    const { items: best } = recommender.recommend({ market: market.name, items, k: 10, explain: 3 });
    if (best.length !== 10) throw new Error(`${best.length} items where 10 were to come`);
  }
  facts = { file: bytes.length, linear: recommender.kernels.memory.memory.buffer.byteLength };
}
process.stdout.write(JSON.stringify({ ...facts, peakRSS: peakRSS() }));

/** Linux counts the parent's memory into maxRSS of a child, but not into VmHWM. */
function peakRSS() {
  if (!existsSync('/proc/self/status')) return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
}
