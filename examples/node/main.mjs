// node main.mjs [FOLDER]: reads interactions, trains on all cores, evaluates, saves, and serves. Without a folder it generates a shop.
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { createHandler, encodeModel, evaluate, generateMarkets, loadModel, train } from 'm3rec';
import { nodeWorkers, readDirectory, writeDirectory, writeFileAtomically } from 'm3rec/node';

const folder = process.argv[2] ?? 'shop';
const file = `${folder}.m3rec`;

if (!existsSync(folder))
  await writeDirectory(folder, generateMarkets({ seed: 1, users: 2000, items: 600, interactions: 20000 }));
const markets = await readDirectory(folder, { onWarning: ({ message }) => console.warn(message) });

const model = await train(markets, {
  workers: nodeWorkers,
  onStage: ({ stage, seconds }) => console.log(`${stage}: ${seconds.toFixed(1)} s`),
});
const bytes = encodeModel(model);
const recommender = await loadModel(bytes);

const { mean } = await evaluate(recommender, markets);
console.log(`MRR ${(100 * mean.mrr).toFixed(2)} %, NDCG ${(100 * mean.ndcg).toFixed(2)} %`);
await writeFileAtomically(file, bytes);

// the handler takes a Request and gives a Response; this is all that node:http needs around it
const handler = createHandler(recommender);
const server = createServer(async (incoming, outgoing) => {
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  const request = new Request(new URL(incoming.url, 'http://localhost'), {
    method: incoming.method,
    headers: Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    ...(hasBody && { body: Readable.toWeb(incoming), duplex: 'half' }),
  });
  const response = await handler(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const [{ name, items }] = model.markets;
  const url = `http://127.0.0.1:${server.address().port}/v1/${name}/recommend?items=${model.items[items[0]]}`;
  console.log(`wrote ${file}; ask ${url}`);
});
