// Types of every entry, then the program itself, for each way in which TypeScript finds modules.
import {
  assembleGenerated,
  encodeModel,
  generateMarkets,
  init,
  loadModel,
  type Markets,
  type Recommendations,
  train,
} from 'm3rec';
import { openModelStore } from 'm3rec/browser';
import { bindKernels } from 'm3rec/kernels';
import { nodeWorkers, readDirectory } from 'm3rec/node';
import { init as slimInit } from 'm3rec/slim';
import { webWorkers } from 'm3rec/workers';

export async function types(bytes: Uint8Array<ArrayBuffer>): Promise<Recommendations> {
  const markets: Markets = await readDirectory('shop');
  await train(markets, { preset: 'paper', signal: new AbortController().signal, workers: webWorkers() });
  await train(markets, { workers: nodeWorkers });
  (await bindKernels(bytes)).addInto(4, new Float32Array(4), new Float32Array(4));
  await openModelStore();
  await init(bytes);
  await slimInit(bytes);
  // @ts-expect-error: there is no such option
  await train(markets, { epoch: 1 });
  // @ts-expect-error: neither a user nor items
  (await loadModel(bytes)).recommend({ market: 'de' });
  return (await loadModel(bytes)).recommend({ market: 'de', items: ['a'], k: 3 });
}

export async function answer(): Promise<string> {
  const markets = assembleGenerated(generateMarkets({ users: 200, items: 200, interactions: 1500 }));
  const bytes = encodeModel(await train(markets));
  const recommender = await loadModel(bytes);
  const answers = markets.markets.map(({ name, users }) =>
    recommender.recommend({ market: name, user: users[0], k: 5 }),
  );
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return JSON.stringify({ bytes: bytes.length, hash, answers });
}
