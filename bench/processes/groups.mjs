// Solves EASE once on a generated catalogue, in a process of its own so that its peak memory is its own. Its parent sends { bundle,
// path, users, items, interactions, exact, options, threads, ranked } (path: a folder of generated files to read instead) and gets
// { rows, readSeconds, readCpuSeconds, seconds, cpuSeconds, steps, linearBytes, dataBytes, maxRSS, entries, ndcg, standardError }.
import { assembleGenerated, generateMarkets } from '../../dist/index.js';
import { readDirectory } from '../../dist/node.js';

process.once('disconnect', () => process.exit());

process.once('message', async ({ bundle, path, users, items, interactions, exact, options, threads, ranked }) => {
  const library = await import(bundle);
  const kernels = await library.startThreads({ workers: library.nodeWorkers, threads });
  const clock = () => {
    const begin = performance.now();
    const processor = process.cpuUsage();
    return () => {
      const { user, system } = process.cpuUsage(processor);
      return { seconds: (performance.now() - begin) / 1000, cpuSeconds: (user + system) / 1e6 };
    };
  };
  const reading = clock();
  const markets = path
    ? await readDirectory(path)
    : assembleGenerated(generateMarkets({ seed: 1, users, items, interactions }));
  const read = path ? reading() : undefined;
  const X = library.mergeInteractions(markets);
  const held = heldOut(markets, ranked);
  for (const market of markets.markets) market.users = market.heldOut = market.interactions = undefined;
  const dataBytes = process.resourceUsage().maxRSS * 1024;
  const steps = {};
  let last = performance.now();
  const onProgress = ({ stage }) => {
    const now = performance.now();
    steps[stage] = (steps[stage] ?? 0) + (now - last) / 1000;
    last = now;
  };
  const context = library.stageContext(kernels, 'ease', new library.Job({ onProgress }));
  const solving = clock();
  const transposed = library.transpose(kernels, X);
  onProgress({ stage: 'transpose' });
  const { similarity } = exact
    ? { similarity: await library.ease(context, library.gram(kernels, X, transposed), options) }
    : await library.groupEase(context, X, transposed, options);
  onProgress({ stage: 'join' });
  const solved = solving();
  process.send({
    rows: X.indices.length,
    ...(read && { readSeconds: read.seconds, readCpuSeconds: read.cpuSeconds }),
    ...solved,
    steps,
    linearBytes: kernels.memory.peak,
    dataBytes,
    maxRSS: process.resourceUsage().maxRSS * 1024,
    entries: similarity.values.length,
    ...ndcg(X, held, similarity),
  });
  await kernels.close();
  process.disconnect();
});

/** `count` of the users with the item that `valid` holds back from each, evenly over the markets. */
function heldOut({ markets }, count) {
  const all = [];
  let base = 0;
  for (const { users, items, heldOut } of markets) {
    for (const { user, item } of heldOut.valid) if (user >= 0 && item >= 0) all.push([base + user, items[item]]);
    base += users.length;
  }
  const step = Math.max(1, all.length / count);
  return Array.from({ length: Math.min(count, all.length) }, (_, i) => all[Math.floor(i * step)]);
}

/** NDCG@10 with each held-out item ranked among all items that the user has not; ties count against it. */
function ndcg(X, held, { indptr, indices, values }) {
  const scores = new Float64Array(X.cols);
  const gains = held.map(([user, target]) => {
    const history = X.indices.subarray(X.indptr[user], X.indptr[user + 1]);
    const touched = new Set();
    for (const item of history) {
      for (let e = indptr[item]; e < indptr[item + 1]; e++) {
        scores[indices[e]] += values[e];
        touched.add(indices[e]);
      }
    }
    for (const item of history) touched.delete(item);
    let above = scores[target] > 0 ? 0 : Number.POSITIVE_INFINITY;
    for (const item of touched) if (item !== target && scores[item] >= scores[target]) above++;
    scores.fill(0);
    return above < 10 ? 1 / Math.log2(2 + above) : 0;
  });
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
  const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (gains.length - 1);
  return { ndcg: mean, standardError: Math.sqrt(variance / gains.length) };
}
