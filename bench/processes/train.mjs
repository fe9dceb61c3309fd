// Trains once, in a process of its own so that its peak memory is its own, and evaluates where asked. Its parent sends { path, options,
// threads, protocols, only, generated } (path: the data, else `generated` are the generator's options; only: the one market to take) and
// gets { stage } messages, then { done }.
import { readFileSync } from 'node:fs';
import { assembleGenerated, evaluate, generateMarkets, Recommender, train } from '../../dist/index.js';
import { instantiateKernels } from '../../dist/kernels.js';
import { nodeWorkers, readDirectory } from '../../dist/node.js';

// a parent that is gone wants no result
process.once('disconnect', () => process.exit());

process.once('message', async ({ path, options, threads = 1, protocols = [], only, generated }) => {
  const all = path ? await readDirectory(path) : assembleGenerated(generateMarkets({ seed: 1, ...generated }));
  const markets = only === undefined ? all : pick(all, only);
  const began = process.cpuUsage();
  let used = began;
  const start = performance.now();
  const model = await train(markets, {
    ...options,
    threads,
    workers: nodeWorkers,
    onStage(stage) {
      const now = process.cpuUsage();
      const cpuSeconds = (now.user + now.system - used.user - used.system) / 1e6;
      used = now;
      process.send({ stage: { ...stage, cpuSeconds } });
    },
  });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(began);
  const cpuSeconds = (user + system) / 1e6;
  const maxRSS = process.resourceUsage().maxRSS * 1024;
  const evaluations = {};
  if (protocols.length > 0) {
    const kernels = await instantiateKernels(readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)));
    const recommender = Recommender.from(model, kernels);
    for (const protocol of protocols)
      evaluations[protocol] = await evaluate(recommender, markets, {
        protocol,
        negatives: 999,
        seed: 1,
        perUser: true,
      });
  }
  process.send({ done: { seconds, cpuSeconds, maxRSS, evaluations } }, () => process.disconnect());
});

/** One market with its own items alone. */
function pick({ markets, items }, name) {
  const market = markets.find((each) => each.name === name);
  const catalogue = Array.from(market.items, (item) => items[item]);
  return { items: catalogue, markets: [{ ...market, items: Int32Array.from(market.items.keys()) }] };
}
