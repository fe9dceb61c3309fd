// What every toolchain bundles or loads: trains a model on a generated shop, opens its file, and recommends.
import { assembleGenerated, encodeModel, generateMarkets, loadModel, train } from 'm3rec';

/** The same text wherever it runs: what a model of one user in each market recommends, and a hash of its file. */
export async function answer(options = {}) {
  const markets = assembleGenerated(generateMarkets({ users: 200, items: 200, interactions: 1500 }));
  const bytes = encodeModel(await train(markets, options));
  const recommender = await loadModel(bytes);
  const answers = markets.markets.map(({ name, users }) =>
    recommender.recommend({ market: name, user: users[0], k: 5 }),
  );
  // FNV-1a, since not every host of this program has crypto.subtle
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return JSON.stringify({ bytes: bytes.length, hash, answers });
}
