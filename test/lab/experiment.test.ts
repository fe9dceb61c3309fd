import { readdirSync, readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkExperiment } from '../../src/lab/experiment.ts';
import { combinations, planTrials } from '../../src/lab/plan.ts';
import { experimentSchema } from '../../src/lab/schema.ts';

const valid = new Ajv({ strict: true, allowUnionTypes: true }).compile(experimentSchema());
const plan = (value: unknown) => planTrials(checkExperiment(value));

test('a grid is laid out as all combinations, each once, first seed first', () => {
  const trials = plan({
    seeds: [1, 2],
    models: [
      { model: 'ials', options: { dim: 16 }, grid: [{ alpha0: [0.1, 0.3] }, { alpha0: [0.1], epochs: [16] }] },
      { model: 'popularity' },
    ],
  });
  // the second grid has the first's first again: 16 epochs are the default; popularity has no seed
  expect(trials.map(({ name, given, seed }) => [name, given, seed])).toEqual([
    ['ials', { dim: 16, alpha0: 0.1 }, 1],
    ['ials', { dim: 16, alpha0: 0.3 }, 1],
    ['ials', { dim: 16, alpha0: 0.1 }, 2],
    ['ials', { dim: 16, alpha0: 0.3 }, 2],
    ['popularity', {}, undefined],
  ]);
  expect(combinations({ a: [1, 2], b: ['x', 'y'] })).toEqual([
    { a: 1, b: 'x' },
    { a: 1, b: 'y' },
    { a: 2, b: 'x' },
    { a: 2, b: 'y' },
  ]);
});

const WRONG: [string, unknown, RegExp][] = [
  ['no models', {}, /^models: found undefined, expected an array$/],
  ['none of them', { models: [] }, /^models: found an array of 0, expected at least one$/],
  ['an unknown name', { models: [{ model: 'ease' }], modles: 1 }, /^experiment: found "modles", expected one of/],
  ['an unknown kind', { models: [{ model: 'best' }] }, /^models\[0\]\.model: found "best", expected transfer, /],
  ['another option', { models: [{ model: 'slim', grid: { dim: [1] } }] }, /^models\[0\]: options: found "dim"/],
  ['a value out of range', { models: [{ model: 'ease', grid: { lambdaF: [-1] } }] }, /^models\[0\]: lambdaF: found -1/],
  ['an empty list', { models: [{ model: 'ease', grid: { lambdaF: [] } }] }, /^models\[0\]\.grid\.lambdaF: found an/],
  ['a metric', { models: [{ model: 'ease' }], metrics: ['auc'] }, /^metrics\[0\]: found "auc", expected mrr, ndcg/],
  ['no epochs', { models: [{ model: 'ease', selectEpoch: true }] }, /^models\[0\]\.selectEpoch: found true, expected/],
  ['a protocol', { models: [{ model: 'ease' }], protocols: ['dirty'] }, /^protocols\[0\]: found "dirty", expected/],
  [
    'a row option',
    { models: [{ model: 'ease' }], rows: { minrating: 3 } },
    /^rows: found "minrating", expected one of/,
  ],
];

describe('what is wrong is named by its place, and the schema refuses it too', () => {
  test.each(WRONG)('%s', (_, value, message) => {
    expect(() => plan(value)).toThrow(message);
    expect(valid(value)).toBe(false);
  });
});

test('what only values together can be wrong in is refused as well', () => {
  const models = [{ model: 'ease' }];
  expect(() => plan({ models: [...models, ...models] })).toThrow('models[1].name: "ease" is there twice');
  expect(() => plan({ models, select: { k: 20 } })).toThrow('select.k: found 20, expected 10');
  expect(() => plan({ models, select: { protocol: 'full' } })).toThrow('select.protocol: found "full", expected clean');
  expect(() => plan({ models, baseline: 'slim' })).toThrow('baseline: found "slim", expected ease');
  expect(() => plan({ models, protocols: [{ name: 'kit', protocol: 'lists' }] })).toThrow('protocols[0].lists');
  const many = Array.from({ length: 200 }, (_, i) => i + 1);
  expect(() => plan({ models: [{ model: 'ease', grid: { lambdaF: many, systemItems: many } }] })).toThrow(
    'combinations',
  );
});

test('the schema takes what the checks take', () => {
  const value = {
    title: 'All of it',
    data: ['a', 'b'],
    rows: { minRating: 3 },
    split: { method: 'last' },
    markets: ['de'],
    heldOut: 'test',
    halves: false,
    models: [
      { model: 'ease', name: 'EASE', grid: [{ lambdaF: [10, 25] }], cost: 3 },
      { model: 'gmf', selectEpoch: true, options: { dim: 32 }, seeds: [3] },
      { model: 'm3rec', options: { preset: 'paper' } },
    ],
    seeds: [1],
    protocols: ['clean', 'full', { name: 'kit', protocol: 'lists', lists: { de: 'de/valid_run.tsv' } }],
    metrics: ['mrr', 'map'],
    k: [10, 20],
    select: { metric: 'ndcg', k: 20, protocol: 'kit' },
    groups: false,
    lists: 0,
    baseline: 'EASE',
  };
  expect(valid(value), JSON.stringify(valid.errors)).toBe(true);
  expect(checkExperiment(value)).toMatchObject({ baseline: 'EASE', select: { metric: 'ndcg', k: 20 } });
});

const root = new URL('../../experiments/', import.meta.url);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));

test.each(files)('experiments/%s passes the checks and the schema', (file) => {
  const value = parse(readFileSync(new URL(file.replaceAll('\\', '/'), root), 'utf8'));
  expect(valid(value), JSON.stringify(valid.errors)).toBe(true);
  expect(plan(value).length).toBeGreaterThan(3);
});

test('the schema that is committed is today’s', () => {
  expect(JSON.parse(readFileSync(new URL('experiment.schema.json', root), 'utf8'))).toEqual(experimentSchema());
});
