import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { ArgumentError } from '../../src/common/errors.ts';

test('a wrong value is quoted, a sentence is not', () => {
  expect(new ArgumentError('dim', '5', 'a number').message).toBe('dim: found "5", expected a number');
  const error = ArgumentError.because('model', 'it was exported');
  expect(error).toBeInstanceOf(ArgumentError);
  expect({ ...error, message: error.message }).toEqual({
    name: 'ArgumentError',
    argument: 'model',
    found: undefined,
    expected: 'it was exported',
    message: 'model: it was exported',
  });
});

test('an error that nobody catches is printed without what was found, which may be a whole model', () => {
  const error = new ArgumentError('model', { secret: 'x'.repeat(10_000) }, 'a Recommender');
  expect(error.found).toMatchObject({ secret: expect.any(String) });
  expect(inspect(error)).not.toContain('secret');
});
