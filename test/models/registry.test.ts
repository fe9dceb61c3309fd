// Which kind is meant where none is named.
import { expect, test } from 'vitest';
import { resolveOptions, type TrainOptions } from '../../src/index.ts';

test.each<[TrainOptions, string]>([
  [{}, 'transfer'],
  [{ seed: 3 }, 'transfer'],
  [{ preset: 'default' }, 'transfer'],
  [{ preset: undefined, dim: undefined }, 'transfer'],
  [{ epsilon: 0.02, borrow: 0.1 }, 'transfer'],
  [{ preset: 'softmax' }, 'm3rec'],
  [{ preset: 'paper', epochs: 3 }, 'm3rec'],
  [{ dim: 32 }, 'm3rec'],
  [{ lambdaF: 10 }, 'm3rec'],
  [{ model: 'ease', lambdaF: 10 }, 'ease'],
  [{ model: 'm3rec' }, 'm3rec'],
])('%o is a model %s', (options, kind) => {
  expect(resolveOptions(options).model).toBe(kind);
});

test('options that no one kind takes together are refused by name', () => {
  expect(() => resolveOptions({ borrow: 0.1, dim: 32 })).toThrow(
    /^options: found "dim", expected one of model, preset, /,
  );
  expect(() => resolveOptions({ preset: 'paper', borrow: 0.1 })).toThrow(/^options: found "borrow", expected one of /);
  expect(() => resolveOptions({ preset: null as never })).toThrow(
    /^preset: found null, expected default, softmax, paper$/,
  );
});
