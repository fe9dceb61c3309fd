import { printable } from './printable.ts';

/** Longest message, in UTF-16 code units: an id in it may be of any length. */
const MAX_MESSAGE = 1000;

/**
 * Base of every error that this library throws on purpose. The message, one line, names what was found and what was
 * expected.
 */
export class M3RecError extends Error {
  override name = 'M3RecError';
  constructor(message: string) {
    super(printable(message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 3)}...` : message));
  }
}

/** A wrong argument or option: names the argument, what it was and what it may be. */
export class ArgumentError extends M3RecError {
  override name = 'ArgumentError';
  constructor(
    readonly argument: string,
    readonly found: unknown,
    readonly expected: string,
    problem = `found ${show(found)}, expected ${expected}`,
  ) {
    super(`${argument}: ${problem}`);
    // hosts print the properties of an error that nobody catches, and this may be a whole model
    Object.defineProperty(this, 'found', { enumerable: false });
  }

  /**
   * For errors without a single wrong value. `sentence` says what is wrong and what to do, and is also `expected`;
   * `found` is undefined.
   *
   * @example ArgumentError.because('gram', 'it has 3 rows and 4 columns; a Gram matrix is square')
   */
  static because(argument: string, sentence: string): ArgumentError {
    return new ArgumentError(argument, undefined, sentence, sentence);
  }
}

/** A user whom the model has not learned was asked for, and its kind cannot answer from items alone: says why. */
export class UnseenUserError extends ArgumentError {
  override name = 'UnseenUserError';
  /** @param refusal of the scorer, as a sentence */
  constructor(argument: string, refusal = 'this kind of model answers for its own users only') {
    const sentence = `${refusal}: give a user of the model, or train again with this one`;
    super(argument, undefined, sentence, sentence);
  }
}

/** Wrong input data: names the file and, where it is known, the line (1-based). */
export class DataError extends M3RecError {
  override name = 'DataError';
  constructor(
    readonly file: string,
    readonly line: number | undefined,
    readonly problem: string,
  ) {
    super(`${file}${line === undefined ? '' : `:${line}`}: ${problem}`);
  }
}

/** A model file that cannot be trusted: names the section and the byte offset, what was found and what was expected. */
export class ModelFileError extends M3RecError {
  override name = 'ModelFileError';
}

/** A job that does not fit in the 4 GiB of wasm32 (or that the host refused to give memory for). */
export class MemoryError extends M3RecError {
  override name = 'MemoryError';
}

/** A worker of a pool of threads was not started, failed or ended before its work did. */
export class WorkerError extends M3RecError {
  override name = 'WorkerError';
}

/** Something was asked of what had been closed. */
export class ClosedError extends M3RecError {
  override name = 'ClosedError';
}

/** The job was stopped through its AbortSignal. */
export class AbortedError extends M3RecError {
  override name = 'AbortError';
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined)
    return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return `a value of type ${typeof value}`;
}

/** Throws an ArgumentError unless `value` is a finite number in [min, max]. */
export function checkNumber(argument: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) {
    throw new ArgumentError(argument, value, `a number from ${min} to ${max}`);
  }
  return value;
}

/** Throws an ArgumentError unless `value` is an integer in [min, max]. */
export function checkInteger(argument: string, value: unknown, min: number, max: number): number {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    throw new ArgumentError(argument, value, `an integer from ${min} to ${max}`);
  }
  return value as number;
}

/** Throws an ArgumentError unless `value` is an object (no array, no function). */
export function checkObject(argument: string, value: unknown, expected = 'an object'): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ArgumentError(argument, value, expected);
  return value as Record<string, unknown>;
}

/** Throws an ArgumentError unless `value` is an array. */
export function checkArray(argument: string, value: unknown, expected = 'an array'): readonly unknown[] {
  if (!Array.isArray(value)) throw new ArgumentError(argument, value, expected);
  return value;
}

/** Throws an ArgumentError unless `value` is an array of text. */
export function checkTexts(argument: string, value: unknown, expected = 'an array of ids'): readonly string[] {
  const texts = checkArray(argument, value, expected);
  const wrong = texts.findIndex((text) => typeof text !== 'string');
  if (wrong >= 0) throw new ArgumentError(`${argument}[${wrong}]`, texts[wrong], 'an id, as text');
  return texts as readonly string[];
}

/** Throws an ArgumentError unless `value` is a function or undefined. */
export function checkCallback(argument: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new ArgumentError(argument, value, 'a function');
}

/** Throws an ArgumentError unless `value` is one of `choices`. */
export function checkChoice<T extends string>(argument: string, value: unknown, choices: readonly T[]): T {
  if (!choices.includes(value as T)) throw new ArgumentError(argument, value, choices.join(', '));
  return value as T;
}
