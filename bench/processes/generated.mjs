// Writes a generated catalogue as files to read, in a process of its own so that its memory is given back: all training rows, and
// evenly over each market `ranked` rows of valid in all. Its parent sends { path, ranked, users, items, interactions }, and gets a message
// at the end.
import { generateMarkets } from '../../dist/index.js';
import { writeDirectory } from '../../dist/node.js';

process.once('disconnect', () => process.exit());

process.once('message', async ({ path, ranked, ...options }) => {
  const data = generateMarkets({ seed: 1, ...options });
  const step = Math.max(1, Math.floor(options.users / ranked));
  for (const market of data.markets) {
    const kept = market.valid.users.filter((_, row) => row % step === 0);
    market.valid = { users: kept, items: market.valid.items.filter((_, row) => row % step === 0) };
    market.test = { users: new Int32Array(0), items: new Int32Array(0) };
  }
  await writeDirectory(path, data);
  process.send({ done: true }, () => process.disconnect());
});
