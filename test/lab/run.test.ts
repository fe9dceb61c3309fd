import { expect, test } from 'vitest';
import { halfOf as halfOfBenches } from '../../bench/harness/halves.mjs';
import { assembleGenerated, generateMarkets } from '../../src/data/generate.ts';
import { halfOf, withHalves } from '../../src/data/halves.ts';
import { decodeMarkets, encodeMarkets } from '../../src/data/markets-codec.ts';
import { evaluate } from '../../src/evaluate/evaluate.ts';
import { checkExperiment } from '../../src/lab/experiment.ts';
import { readRanks } from '../../src/lab/ranks.ts';
import { memoryTrials, prepareExperiment, runTrials, secondsOf, type TrialLine } from '../../src/lab/run.ts';
import { significanceOf } from '../../src/lab/significance.ts';
import { resultsOf } from '../../src/lab/summary.ts';
import { tablesOf } from '../../src/lab/tables.ts';
import { encodeModel } from '../../src/models/file.ts';
import { loadModel } from '../../src/models/load.ts';
import { localExecutor } from '../../src/threads/local-executor.ts';
import { memoryBlobs } from '../../src/threads/work.ts';
import { train } from '../../src/train/train.ts';

const markets = assembleGenerated(generateMarkets({ seed: 3, users: 600, items: 300, interactions: 5000 }));
const experiment = checkExperiment({
  models: [
    { model: 'popularity' },
    { model: 'itemknn', grid: { neighbours: [5, 50] } },
    { model: 'gmf', options: { dim: 16, epochs: 2 }, selectEpoch: true },
    { model: 'ease', grid: { lambdaF: [5, 50] } },
  ],
  protocols: ['clean', 'full'],
  lists: 50,
});

async function runIt(options: { store?: ReturnType<typeof memoryTrials>; stopAfter?: number } = {}) {
  const executor = localExecutor();
  const store = options.store ?? memoryTrials(memoryBlobs());
  const prepared = await prepareExperiment(experiment, markets, executor.blobs);
  const controller = new AbortController();
  let made = 0;
  const lines = await runTrials(prepared.trials, {
    ...{ store, executor, build: 'test', signal: controller.signal },
    onTrial: (_, { done, reused }) => {
      if (done > reused) made++;
      if (done === options.stopAfter) controller.abort();
    },
  });
  return { prepared, store, lines, made };
}

test('markets survive their codec, and other bytes do not pass', () => {
  const bytes = encodeMarkets(markets);
  expect(decodeMarkets(bytes)).toEqual(markets);
  expect(encodeMarkets(decodeMarkets(bytes))).toEqual(bytes);
  for (const wrong of [bytes.slice(0, 11), bytes.slice(0, -1), new Uint8Array([...bytes, 0]), bytes.slice(8)])
    expect(() => decodeMarkets(wrong)).toThrow('encoded markets: ');
  const flipped = bytes.slice();
  flipped[flipped.length - 1] ^= 0x40; // an index of the last market out of range
  expect(() => decodeMarkets(flipped)).toThrow();
});

test('halves part the rows of a file by user, as the benches have parted them', () => {
  const { heldOut } = withHalves(markets, 'valid').markets[0];
  expect(heldOut.tune.length + heldOut.report.length).toBe(markets.markets[0].heldOut.valid.length);
  expect(heldOut.tune.every(({ userId }) => halfOf(userId) === 'tune')).toBe(true);
  const ids = ['', 'ü', ...markets.markets.flatMap(({ users }) => users)];
  expect(ids.map(halfOf)).toEqual(ids.map(halfOfBenches));
  expect(() => withHalves(markets, 'none')).toThrow('heldOut: no row of "none" is of the half "tune"');
});

test('an interrupted run goes on where it stopped, with the same results', async () => {
  const whole = await runIt();
  expect(whole.made).toBe(6);
  const store = memoryTrials(memoryBlobs());
  await expect(runIt({ store, stopAfter: 2 })).rejects.toThrow('works were stopped at 2 of 6');
  expect(await store.lines()).toHaveLength(2);
  const rest = await runIt({ store });
  expect(rest.made).toBe(4);
  const found = (lines: readonly TrialLine[]) =>
    lines.map(({ key, digest, ranks, found: f }) => ({ key, digest, ranks, f }));
  expect(found(rest.lines)).toEqual(found(whole.lines));
});

test('a trial finds what train and evaluate find', async () => {
  const { lines, store } = await runIt();
  const line = lines.find(({ kind, options }) => kind === 'ease' && options.lambdaF === 50)!;
  const halves = withHalves(markets, 'valid');
  const bytes = encodeModel(await train(halves, { model: 'ease', lambdaF: 50 }));
  const recommender = await loadModel(bytes);
  const { markets: expected } = await evaluate(recommender, halves, { heldOut: 'report', seed: 1, perUser: true });
  const [first] = line.found.clean.report;
  expect(line.bytes).toBe(bytes.length);
  expect(first.at[10].mrr[0]).toBeCloseTo(expected[0].mrr, 6);
  expect(first.at[10].mrr[1]).toBeCloseTo(expected[0].mrrStandardError, 6);
  expect(first.lists?.[0].coverage).toBeGreaterThan(0);
  const parts = await readRanks(store.blobs, (await store.blobs.get(line.ranks!))!);
  const part = parts.find((each) => each.protocol === 'clean' && each.heldOut === 'report')!;
  expect(part.ranks).toEqual(expected[0].perUser!.map(({ rank }) => rank));
  expect(part.users).toEqual(expected[0].perUser!.map(({ user }) => user));
});

test('results choose on one half and report the other; tests name the baseline', async () => {
  const { lines, store } = await runIt();
  const results = resultsOf(experiment, lines);
  const ease = results.models.find(({ name }) => name === 'ease')!;
  expect(ease.candidates).toHaveLength(2);
  expect(ease.best.chosenBy).toBe(Math.max(...ease.candidates.map(({ chosenBy }) => chosenBy)));
  const significance = await significanceOf(results, store.blobs);
  expect(significance.map(({ protocol }) => protocol)).toEqual(['clean', 'full']);
  const popularity = significance[0].tested.find(({ name }) => name === 'popularity')!;
  expect(popularity.differences.every(({ t }) => t.mean < 0)).toBe(true);
  const [table] = tablesOf(results, significance);
  expect(table.header).toEqual(['model', 'de', 'in', 'jp', 'uk', 'us', 'mean']);
  for (const column of [1, 2, 3, 4, 5, 6]) expect(table.rows.some((row) => row[column].place === 'best')).toBe(true);
});

test('trainings are timed by the processor where all trials tell it, else by the clock', async () => {
  const { lines } = await runIt();
  expect(lines.every(({ measured }) => measured.processor === undefined)).toBe(true);
  const timed = lines.map((line) => ({ ...line, measured: { ...line.measured, processor: 7 } }));
  const results = resultsOf(experiment, timed);
  expect([results.clock, results.models[0].seconds]).toEqual(['processor', 7]);
  expect(tablesOf(results, []).find(({ id }) => id === 'chosen')!.header).toContain('processor s');
  const mixed = resultsOf(experiment, [lines[0], ...timed.slice(1)]);
  expect([mixed.clock, mixed.models[0].seconds]).toEqual(['training', lines[0].measured.training]);
});

test('a trial says what its training took of the processor, if its executor can tell', async () => {
  let now = 0;
  const executor = localExecutor({ processor: () => now++ });
  const { trials } = await prepareExperiment(experiment, markets, executor.blobs);
  const store = memoryTrials(memoryBlobs());
  const [{ measured }] = await runTrials(trials.slice(0, 1), { executor, store, build: 'test' });
  expect(measured.processor).toBe(1);
});

test('a kind that refuses the data gives a line with the reason, and is tried again', async () => {
  const refusing = checkExperiment({ models: [{ model: 'gmf', selectEpoch: true, options: { dim: 16, epochs: 1 } }] });
  const executor = localExecutor();
  const store = memoryTrials(memoryBlobs());
  const { trials } = await prepareExperiment(refusing, markets, executor.blobs);
  const wrong = trials.map((trial) => ({ ...trial, input: { ...trial.input, selectBy: 'nothing' } }));
  const [line] = await runTrials(wrong, { store, executor, build: 'test' }).then(() => store.lines());
  expect(line.error).toContain('selectBy: found "nothing"');
  const [again] = await runTrials(trials, { store, executor, build: 'test' });
  expect(again.error).toBeUndefined();
  expect(await store.lines()).toHaveLength(2);
});

test('times are told by earlier ones of the kind, by epochs, else by what is stated', () => {
  const trial = (kind: string, options: object) => ({ name: kind, kind, options: options as Record<string, unknown> });
  const times = [
    { ...trial('ials', { epochs: 10, dim: 16 }), seconds: 20 },
    { ...trial('ials', { epochs: 10, dim: 64 }), seconds: 80 },
  ];
  expect(secondsOf([trial('ials', { epochs: 20, dim: 64 })], times)).toEqual({ seconds: 160, unknown: [] });
  expect(secondsOf([trial('ease', {})], times)).toBeUndefined();
  expect(secondsOf([trial('ease', {})], times, 1, { ease: 5 })).toEqual({ seconds: 5, unknown: [] });
  expect(secondsOf([trial('ease', {}), trial('ials', { epochs: 10, dim: 16 })], times, 2)).toEqual({
    seconds: 10,
    unknown: ['ease'],
  });
  expect(secondsOf([], times)).toEqual({ seconds: 0, unknown: [] });
});
