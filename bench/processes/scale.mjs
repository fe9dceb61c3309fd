// Trains once on a generated catalogue, in a process of its own so that its peak memory is its own. Its parent sends {
// users, items, interactions, options, threads } and gets { stage } messages, those of the training and of what comes
// before and after it, then { done: { seconds, dataBytes, maxRSS, fileBytes } }.
import { assembleGenerated, encodeModel, evaluate, generateMarkets, loadModel, train } from '../../dist/index.js';
import { nodeWorkers } from '../../dist/node.js';

process.once('disconnect', () => process.exit());

process.once('message', async ({ users, items, interactions, options, threads }) => {
  const report = (stage) => process.send({ stage });
  const timed = async (stage, work) => {
    const start = performance.now();
    const value = await work();
    report({ stage, seconds: (performance.now() - start) / 1000 });
    return value;
  };
  let data = await timed('generate', () => generateMarkets({ seed: 1, users, items, interactions }));
  const markets = await timed('assemble', () => assembleGenerated(data));
  data = undefined;
  const rows = markets.markets.reduce((sum, { interactions: x }) => sum + x.indices.length, 0);
  const dataBytes = process.resourceUsage().maxRSS * 1024;
  const start = performance.now();
  const model = await train(markets, { ...options, threads, workers: nodeWorkers, onStage: report });
  const seconds = (performance.now() - start) / 1000;
  const maxRSS = process.resourceUsage().maxRSS * 1024;
  const bytes = await timed('encode', () => encodeModel(model));
  const recommender = await timed('load', () => loadModel(bytes));
  await timed('evaluate', () => evaluate(recommender, markets, { heldOut: 'valid', negatives: 99, seed: 1 }));
  process.send({ done: { rows, seconds, dataBytes, maxRSS, fileBytes: bytes.length } }, () => process.disconnect());
});
