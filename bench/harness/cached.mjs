// One training and its evaluations, kept under the system's temporary folder so that an interrupted bench can go on.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel, train } from '../../dist/index.js';
import { cache, loadMarkets } from './data.mjs';
import { buildHash } from './machine.mjs';
import { note } from './report.mjs';
import { trainOnce } from './training.mjs';

/** What identifies the data: the interactions and the held-out rows. */
export function fingerprintOf(markets) {
  const hash = createHash('sha256');
  for (const { name, interactions, heldOut } of markets) {
    hash.update(`${name} ${interactions.rows} ${interactions.cols} `).update(interactions.indices);
    hash.update(heldOut.valid?.map(({ userId, itemId }) => `${userId} ${itemId}`).join('\n') ?? '');
  }
  return hash.digest('hex');
}

/**
 * Trains and evaluates, or takes up what an earlier run of the same build on the same data found; `date` is when it
 * ran.
 */
export async function result(
  { path, fingerprint },
  options,
  { protocols = ['clean', 'as-published'], threads = 1, only } = {},
) {
  const key = createHash('sha256')
    .update(JSON.stringify([buildHash(), fingerprint, options, threads, protocols, only]))
    .digest('hex')
    .slice(0, 24);
  const file = join(cache, `quality-${key}.json`);
  const dated = () => ({
    ...JSON.parse(readFileSync(file, 'utf8')),
    date: statSync(file).mtime.toISOString().slice(0, 16).replace('T', ' '),
  });
  if (existsSync(file)) return dated();
  const label = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
  note(`${label} …`);
  const { evaluations, stages, seconds, cpuSeconds, maxRSS } = await trainOnce(
    { path, options, threads, protocols, only },
    ({ stage, seconds: time }) => note(`  ${stage}: ${time.toFixed(1)} s`),
  );
  mkdirSync(cache, { recursive: true });
  writeFileSync(file, JSON.stringify({ evaluations, stages, seconds, cpuSeconds, maxRSS }));
  return dated();
}

/** The model file of a training on the benches' data, made once a build. */
export async function cachedModel(options) {
  const { name, markets } = await loadMarkets();
  const key = createHash('sha256')
    .update(JSON.stringify([buildHash(), fingerprintOf(markets.markets), options]))
    .digest('hex')
    .slice(0, 24);
  const file = join(cache, `model-${key}.m3rec`);
  if (!existsSync(file)) {
    note(`training ${JSON.stringify(options)} …`);
    const bytes = encodeModel(await train(markets, options));
    mkdirSync(cache, { recursive: true });
    writeFileSync(file, bytes);
  }
  return { name, bytes: readFileSync(file) };
}
