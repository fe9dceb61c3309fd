// `node scripts/release-files.mjs [DIST]`: the model files of a version, for test/model/releases. Run once when a version is
// named, and for an older one with its own build: DIST is that build's folder. What is there is never written again.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = resolve(process.argv[2] ?? join(root, 'dist'));
const { version } = JSON.parse(readFileSync(join(dist, '../package.json'), 'utf8'));
const m3rec = await import(pathToFileURL(join(dist, 'index.js')));

const markets = m3rec.assembleGenerated(m3rec.generateMarkets({ seed: 7, users: 100, items: 200, interactions: 700 }));
/** What kinds that have these options are trained with: small files, soon. */
const SMALL = { seed: 7, dim: 16, hidden: 16, walks: 2, walkLength: 5, epochs: 1, singularVectors: 16 };

const folder = join(root, 'test/model/releases', version);
if (existsSync(folder)) throw new Error(`${folder} is there: a version's files are written once`);
const kinds = m3rec.KINDS ?? ['m3rec', 'ease', 'popularity'].map((name) => ({ name, options: {} }));
const files = [];
for (const { name: kind, options } of kinds) {
  const small = Object.entries(SMALL).filter(([name]) => Object.hasOwn(options, name));
  const bytes = m3rec.encodeModel(
    await m3rec.train(markets, { model: kind, updatable: kind === 'ease', ...Object.fromEntries(small) }),
  );
  files.push([kind, bytes]);
  if (kind === 'm3rec')
    files.push([`${kind}-int8`, m3rec.encodeModel(m3rec.exportModel(m3rec.decodeModel(bytes), { vectors: 'int8' }))]);
}
mkdirSync(folder, { recursive: true });
for (const [name, bytes] of files) {
  const recommender = await m3rec.loadModel(bytes);
  const answers = markets.markets.map(({ name: market, users }) => {
    const { items } = recommender.recommend({ market, user: users[0], k: 6 });
    const history = items.slice(0, 3).map(({ item }) => item);
    return {
      market,
      user: users[0],
      items,
      history,
      ...(recommender.scorer.foldsIn && { others: recommender.recommend({ market, items: history, k: 6 }).items }),
    };
  });
  writeFileSync(join(folder, `${name}.m3rec`), bytes);
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(answers, null, 1)}\n`);
  console.log(`${name}: ${bytes.length} bytes`);
}
