// EASE on all markets as one, updated with its last users, compared with a refit on everything: time of each and how
// far apart they are. Then preset softmax, most of which an update leaves as it was: MRR after an update compared with
// that of a training on everything.
import { performance } from 'node:perf_hooks';
import {
  assembleGenerated,
  decodeModel,
  encodeModel,
  evaluate,
  loadModel,
  resolveOptions,
  train,
  update as updateModel,
} from '../../dist/index.js';
import { nodeWorkers } from '../../dist/node.js';
import { loadMarkets, mergeMarkets } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const COUNTS = [1, 100, 1000];
/**
 * Of a kept entry of B̂, |updated − refit| / refit; against f64 each of the two fits behind them is off by up to
 * 2.4e-4.
 */
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

const NO_ROWS = { users: new Int32Array(0), items: new Int32Array(0) };

/** The users of these markets that `has(user, market)` holds for, both by number, with the items that they have. */
function usersOf({ items, markets }, has) {
  const parts = markets.map(({ name, users, items: own, interactions: { indptr, indices } }, m) => {
    const train = { users: [], items: [] };
    for (let user = 0; user < users.length; user++) {
      if (!has(user, m)) continue;
      for (let e = indptr[user]; e < indptr[user + 1]; e++) {
        train.users.push(user);
        train.items.push(own[indices[e]]);
      }
    }
    return {
      name,
      users,
      train: { users: Int32Array.from(train.users), items: Int32Array.from(train.items) },
      valid: NO_ROWS,
      test: NO_ROWS,
    };
  });
  return assembleGenerated({ items, markets: parts });
}

/**
 * Over the entries of both: the largest difference, also relative; over those of one alone: their number and distance
 * from ε.
 */
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

export async function update({ parts = ['exact', 'stale'], threads } = {}) {
  const exact = parts.includes('exact') ? await exactUpdates() : true;
  if (parts.includes('stale')) await staleUpdates(threads);
  return exact;
}

async function exactUpdates() {
  const { name, markets } = await loadMarkets();
  const all = mergeMarkets(markets);
  const users = all.markets[0].users.length;
  const options = { model: 'ease' };
  const { lambdaF, epsilon } = resolveOptions(options);
  const blocks = [
    `Data: ${name}, all markets as one, λ = ${lambdaF}, ε = ${epsilon}. One thread. Differences are those of B̂’s kept entries from the refit’s; entries that only one of the two keeps are off ε by the last column at most.`,
  ];
  show(`update: ${describe(machine())}`);
  show(blocks[0]);

  note('fit of everything …');
  const refit = await timed(() => train(all, options));
  const expected = refit.value.markets[0].linear;
  const header = [
    'added',
    'items before',
    'after',
    'changed rows',
    'update, s',
    'refit, s',
    'times faster',
    'residual',
    'difference',
    'relative',
    'in one only',
    'from ε',
  ];
  const rows = [];
  const results = [];
  const finish = (what, items, changed, ms, { model, residual }) => {
    const difference = compare(model.markets[0].linear, expected, epsilon);
    results.push({
      added: what,
      itemsBefore: items,
      items: model.items.length,
      changedRows: changed,
      updateSeconds: ms / 1000,
      refitSeconds: refit.ms / 1000,
      residual,
      ...difference,
    });
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
    const known = usersOf(all, (user) => user < users - last);
    base = await train(known, { ...options, updatable: true });
    const added = usersOf(all, (user) => user >= users - last);
    const run = await timed(() => updateModel(base, added));
    finish(`${count(last)} user${last === 1 ? '' : 's'}`, base.items.length, last, run.ms, run.value);
  }
  const last = COUNTS.at(-1);
  let result = { model: base };
  let ms = 0;
  for (let step = 0; step < CHAIN; step++) {
    const cut = (s) => users - last + Math.round((last * s) / CHAIN);
    const some = usersOf(all, (user) => user >= cut(step) && user < cut(step + 1));
    const run = await timed(() => updateModel(result.model, some));
    ms += run.ms;
    result = run.value;
  }
  finish(`${count(last)} users in ${CHAIN} updates`, base.items.length, last, ms, result);

  const file = await timed(() => encodeModel(result.model));
  const opened = await timed(() => decodeModel(file.value));
  const bare = encodeModel({ ...result.model, inverse: undefined });
  const megabytes = (bytes) => (bytes.length / 1e6).toFixed(1);
  blocks.push(table(header, rows));
  blocks.push(
    `The file: ${megabytes(file.value)} MB, without its inverse ${megabytes(bare)} MB; encoded in ${seconds(file.ms)} s, opened in ${seconds(opened.ms)} s, which the times above leave out.`,
  );
  for (const block of blocks.slice(1)) show(block);
  save('update/exact', 'Update of EASE compared with a refit', blocks, {
    data: name,
    lambdaF,
    epsilon,
    users,
    results,
    file: {
      bytes: file.value.length,
      bytesWithoutInverse: bare.length,
      encodeSeconds: file.ms / 1000,
      openSeconds: opened.ms / 1000,
    },
  });
  const passed = results.every(({ relative }) => relative <= TOLERANCE);
  if (!passed) note(`an update differs from the refit by more than ${TOLERANCE}`);
  return passed;
}

/** Shares of the users that the first training has. */
const KNOWN = [0.9, 0.7, 0.4, 0.3];

/** Preset default: P and V of an update are those of the first training. */
async function staleUpdates(threads) {
  const { name, markets } = await loadMarkets();
  const options = { preset: 'softmax', threads, workers: nodeWorkers };
  const interactionsOf = (some) => some.markets.reduce((sum, { interactions }) => sum + interactions.indices.length, 0);
  const mrrOf = async (model) =>
    (
      await evaluate(await loadModel(encodeModel(model)), markets, {
        heldOut: 'valid',
        protocol: 'clean',
        negatives: 999,
        seed: 1,
      })
    ).mean.mrr;
  const intro = `Data: ${name}, preset softmax. Users are taken out evenly, the same share of every market, and added by one update. Mean MRR of the held-out rows of valid, clean protocol, in %.`;
  show(`update stale: ${describe(machine())}`);
  show(intro);
  note('training on everything …');
  const refit = await mrrOf(await train(markets, options));
  const rows = [];
  const results = [];
  for (const share of KNOWN) {
    // the fraction of the golden ratio's multiples: even, and the same on every run
    const isKnown = (user, market) => (0.6180339887498949 * (user + 1) + 0.37 * market) % 1 < share;
    const known = usersOf(markets, isKnown);
    const added = usersOf(markets, (user, market) => !isKnown(user, market));
    note(`training on ${Math.round(100 * share)} % of the users …`);
    const base = await train(known, { ...options, updatable: true });
    const { model, refit: reasons } = await updateModel(base, added, { threads, workers: nodeWorkers });
    const mrr = await mrrOf(model);
    const grown = interactionsOf(added) / interactionsOf(known);
    results.push({ share, grown, itemsBefore: base.items.length, items: model.items.length, mrr, refit, due: reasons });
    rows.push([
      `${(100 * grown).toFixed(0)} %`,
      count(base.items.length),
      count(model.items.length),
      (100 * mrr).toFixed(2),
      (100 * refit).toFixed(2),
      reasons.length > 0 ? 'yes' : 'no',
    ]);
    note(rows.at(-1).join(' | '));
  }
  const blocks = [
    intro,
    table(
      [
        'interactions added',
        'items before',
        'after',
        'MRR after the update',
        'of a training on everything',
        'said to be due for one',
      ],
      rows,
    ),
  ];
  show(blocks[1]);
  save('update/stale', 'What an update leaves stale', blocks, { data: name, results }, { everywhere: true });
}
