// EASE on all markets as one, updated with its last users, beside a refit on everything: time of each and how far apart they are.
import { performance } from 'node:perf_hooks';
import { decodeModel, encodeModel, resolveOptions, train, update as updateModel } from '../dist/index.js';
import { loadMarkets, mergeMarkets } from './data.mjs';
import { describe, machine } from './machine.mjs';
import { note, save, show, table } from './report.mjs';

const COUNTS = [1, 100, 1000];
/** Of a kept entry of B̂, |updated − refit| / refit; against f64 each of the two fits behind them is off by up to 1.5e-4. */
const TOLERANCE = 4e-4;
/** The last users come one by one in as many updates, to see rounding add up. */
const CHAIN = 20;

const seconds = (ms) => (ms / 1000).toFixed(2);
const count = (n) => n.toLocaleString('en-US');

async function timed(work) {
  const start = performance.now();
  const value = await work();
  return { value, ms: performance.now() - start };
}

/** Users [from, to) of a single market, with the items that they have. */
function usersOf({ items, markets: [market] }, from, to) {
  const { indptr, indices } = market.interactions;
  const part = indices.slice(indptr[from], indptr[to]);
  const held = Int32Array.from(new Set(part)).sort();
  const local = new Map(Array.from(held.entries(), ([position, item]) => [item, position]));
  const interactions = { rows: to - from, cols: held.length, indptr: indptr.slice(from, to + 1).map((end) => end - indptr[from]), indices: part.map((item) => local.get(item)) };
  return { items: Array.from(held, (item) => items[item]), markets: [{ ...market, users: market.users.slice(from, to), items: Int32Array.from(held.keys()), interactions }] };
}

/** Over the entries of both: the largest difference, also relative; over those of one alone: their number and distance from ε. */
function compare(found, expected, epsilon) {
  const result = { entries: expected.values.length, difference: 0, relative: 0, inOneOnly: 0, fromEpsilon: 0 };
  for (let row = 0; row < expected.rows; row++) {
    const values = new Map();
    for (let e = found.indptr[row]; e < found.indptr[row + 1]; e++) values.set(found.indices[e], found.values[e]);
    const alone = (value) => {
      result.inOneOnly++;
      result.fromEpsilon = Math.max(result.fromEpsilon, Math.abs(value - epsilon));
    };
    for (let e = expected.indptr[row]; e < expected.indptr[row + 1]; e++) {
      const value = expected.values[e];
      const other = values.get(expected.indices[e]);
      values.delete(expected.indices[e]);
      if (other === undefined) alone(value);
      else {
        result.difference = Math.max(result.difference, Math.abs(value - other));
        result.relative = Math.max(result.relative, Math.abs(value - other) / value);
      }
    }
    for (const value of values.values()) alone(value);
  }
  return result;
}

export async function update() {
  const { name, markets } = await loadMarkets();
  const all = mergeMarkets(markets);
  const users = all.markets[0].users.length;
  const options = { model: 'ease' };
  const { lambdaF, epsilon } = resolveOptions(options);
  const blocks = [`Data: ${name}, all markets as one, λ = ${lambdaF}, ε = ${epsilon}. One thread. Differences are those of B̂’s kept entries from the refit’s; entries that only one of the two keeps are off ε by the last column at most.`];
  show(`update: ${describe(machine())}`);
  show(blocks[0]);

  note('fit of everything …');
  const refit = await timed(() => train(all, options));
  const expected = refit.value.markets[0].linear;
  const header = ['added', 'items before', 'after', 'changed rows', 'update, s', 'refit, s', 'times faster', 'residual', 'difference', 'relative', 'in one only', 'from ε'];
  const rows = [];
  const results = [];
  const finish = (what, items, changed, ms, { model, residual }) => {
    const difference = compare(model.markets[0].linear, expected, epsilon);
    results.push({ added: what, itemsBefore: items, items: model.items.length, changedRows: changed, updateSeconds: ms / 1000, refitSeconds: refit.ms / 1000, residual, ...difference });
    rows.push([
      what,
      count(items),
      count(model.items.length),
      count(changed),
      seconds(ms),
      seconds(refit.ms),
      (refit.ms / ms).toFixed(1),
      residual.toExponential(1),
      difference.difference.toExponential(1),
      difference.relative.toExponential(1),
      difference.inOneOnly,
      difference.fromEpsilon.toExponential(1),
    ]);
    note(rows.at(-1).join(' | '));
  };
  let base;
  for (const last of COUNTS) {
    note(`fit without the last ${last} users …`);
    base = await train(usersOf(all, 0, users - last), { ...options, updatable: true });
    const added = usersOf(all, users - last, users);
    const run = await timed(() => updateModel(base, added));
    finish(`${count(last)} user${last === 1 ? '' : 's'}`, base.items.length, last, run.ms, run.value);
  }
  const last = COUNTS.at(-1);
  let result = { model: base };
  let ms = 0;
  for (let step = 0; step < CHAIN; step++) {
    const cut = (s) => users - last + Math.round((last * s) / CHAIN);
    const run = await timed(() => updateModel(result.model, usersOf(all, cut(step), cut(step + 1))));
    ms += run.ms;
    result = run.value;
  }
  finish(`${count(last)} users in ${CHAIN} updates`, base.items.length, last, ms, result);

  const file = await timed(() => encodeModel(result.model));
  const opened = await timed(() => decodeModel(file.value));
  const bare = encodeModel({ ...result.model, inverse: undefined });
  const megabytes = (bytes) => (bytes.length / 1e6).toFixed(1);
  blocks.push(table(header, rows));
  blocks.push(`The file: ${megabytes(file.value)} MB, without its inverse ${megabytes(bare)} MB; encoded in ${seconds(file.ms)} s, opened in ${seconds(opened.ms)} s, which the times above leave out.`);
  for (const block of blocks.slice(1)) show(block);
  save('update', 'Update of EASE beside a refit', blocks, { data: name, lambdaF, epsilon, users, results, file: { bytes: file.value.length, bytesWithoutInverse: bare.length, encodeSeconds: file.ms / 1000, openSeconds: opened.ms / 1000 } });
  const passed = results.every(({ relative }) => relative <= TOLERANCE);
  if (!passed) note(`an update differs from the refit by more than ${TOLERANCE}`);
  return passed;
}
