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
