// Trains EASE once, in a process of its own so that its peak memory is its own. Its parent sends { source, solver, output,
// protocol } and gets { seconds, cpuSeconds, maxRSS, detail, peakBytes, interactions, evaluation }; B̂ goes to the files output.* where asked.
import { readFileSync, writeFileSync } from 'node:fs';
import { assembleGenerated, evaluate, generateMarkets, Recommender, train } from '../../dist/index.js';
import { instantiateKernels } from '../../dist/kernels.js';
import { nodeWorkers, readDirectory } from '../../dist/node.js';
import { mergeMarkets } from '../harness/data.mjs';

process.once('disconnect', () => process.exit());

process.once('message', async ({ source, solver, output, protocol }) => {
  const read = source.path ? await readDirectory(source.path) : assembleGenerated(generateMarkets(source.generate));
  const markets = source.merge ? mergeMarkets(read) : read;
  const interactions = markets.markets.reduce((sum, market) => sum + market.interactions.indices.length, 0);
  const users = markets.markets.reduce((sum, market) => sum + market.users.length, 0);
  let stage;
  const used = process.cpuUsage();
  const start = performance.now();
  const model = await train(markets, {
    model: 'ease',
    easeSolver: solver,
    workers: nodeWorkers,
    onStage: (report) => (stage = report),
  });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(used);
  const maxRSS = process.resourceUsage().maxRSS * 1024;
  if (output)
    for (const part of ['indptr', 'indices', 'values'])
      writeFileSync(`${output}.${part}`, model.markets[0].linear[part]);
  let evaluation;
  if (protocol) {
    const kernels = await instantiateKernels(readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)));
    evaluation = await evaluate(Recommender.from(model, kernels), markets, { protocol, negatives: 999, seed: 1 });
  }
  process.send(
    {
      seconds,
      cpuSeconds: (user + system) / 1e6,
      maxRSS,
      detail: stage.detail,
      peakBytes: stage.peakBytes,
      users,
      items: markets.items.length,
      interactions,
      evaluation,
    },
    () => process.disconnect(),
  );
});
