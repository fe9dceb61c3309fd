// Fits EASE once, in a process of its own so that its peak memory is its own. Its parent sends { bundle, folder, rows,
// cols, lambda, epsilon, way, threads } and gets { seconds, cpuSeconds, peakBytes, maxRSS, entries, stages }; B̂ goes to the files
// ease.* of the folder.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

process.once('disconnect', () => process.exit());

process.once('message', async ({ bundle, folder, rows, cols, lambda, epsilon, way, threads }) => {
  const { gram, ease, denseEase, groupEase, transpose, startThreads, nodeWorkers, Job, stageContext } = await import(
    bundle
  );
  const read = (part) => new Int32Array(Uint8Array.from(readFileSync(join(folder, part))).buffer);
  const interactions = { rows, cols, indptr: read('indptr'), indices: read('indices') };
  const source = readFileSync(new URL('../../dist/kernels.wasm', import.meta.url));
  const kernels = await startThreads({ kernels: source, workers: nodeWorkers, threads });
  const stages = {};
  const processor = process.cpuUsage();
  const start = performance.now();
  let last = start;
  const onProgress = ({ stage }) => {
    const now = performance.now();
    stages[stage] = (stages[stage] ?? 0) + (now - last) / 1000;
    last = now;
  };
  const context = stageContext(kernels, 'ease', new Job({ onProgress }));
  const options = { lambda, epsilon };
  const similarity = await fit();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(processor);
  const cpuSeconds = (user + system) / 1e6;
  const maxRSS = process.resourceUsage().maxRSS * 1024;
  for (const part of ['indptr', 'indices', 'values']) writeFileSync(join(folder, `ease.${part}`), similarity[part]);
  process.send({
    seconds,
    cpuSeconds,
    peakBytes: kernels.memory.peak,
    maxRSS,
    entries: similarity.values.length,
    stages,
  });
  await kernels.close();
  process.disconnect();

  async function fit() {
    if (way === 'groups')
      return (await groupEase(context, interactions, transpose(kernels, interactions), options)).similarity;
    const matrix = gram(kernels, interactions);
    onProgress({ stage: 'gram' });
    return way === 'dense'
      ? (await denseEase(context, matrix, options, false)).similarity
      : ease(context, matrix, options);
  }
});
