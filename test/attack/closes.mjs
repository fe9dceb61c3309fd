// close() at any moment of a batch on threads: of the recommender, of the kernels, of both. Every promise must settle.
import { assembleGenerated, exportModel, generateMarkets, Recommender, startThreads, train } from '../../dist/index.js';
import { nodeWorkers } from '../../dist/node.js';

export const about =
  'two batches on two threads, and a recommender or the kernels closed at a random moment of them: each promise settles within 20 s';
export const rounds = 60;
const WAIT_MS = 20_000;

let model;

export async function prepare() {
  const markets = assembleGenerated(generateMarkets({ seed: 5, users: 400, items: 900, interactions: 4000 }));
  const trained = await train(markets, { preset: 'softmax', epochs: 1, walks: 2, dim: 32 });
  model = exportModel(trained, { vectors: 'int8' });
}

export async function attack({ round, random, found, count }) {
  const kernels = await startThreads({ workers: nodeWorkers, threads: 2 });
  const recommenders = [Recommender.from(model, kernels), Recommender.from(model, kernels)];
  const queries = model.markets.flatMap(({ name, users }) => users.map((user) => ({ market: name, user, k: 7 })));
  const many = Array.from({ length: 1 + random.below(30) }, () => queries).flat();
  const batches = recommenders.map((each) => each.recommendAll(many));
  const settled = Promise.allSettled(batches);
  await new Promise((resolve) => setTimeout(resolve, random.below(120)));
  const which = random.below(3);
  if (which !== 1) recommenders[random.below(2)].close();
  if (which !== 0) await withLimit(kernels.close(), () => found.push(`round ${round}: kernels.close() never settled`));
  const outcomes = await withLimit(settled, () => found.push(`round ${round}: a batch never settled`));
  for (const { status, reason } of outcomes ?? []) {
    count(status === 'fulfilled' ? 'answered' : reason.name);
    if (status === 'rejected' && !['ClosedError', 'WorkerError'].includes(reason.name))
      found.push(`round ${round}: ${reason}`);
  }
  for (const each of recommenders) each.close();
  await withLimit(kernels.close(), () => found.push(`round ${round}: closing again never settled`));
}

async function withLimit(promise, onOver) {
  let timer;
  const over = new Promise((resolve) => {
    timer = setTimeout(() => resolve(onOver()), WAIT_MS);
  });
  const result = await Promise.race([promise, over]);
  clearTimeout(timer);
  return result;
}
