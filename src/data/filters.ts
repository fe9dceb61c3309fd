// Which rows are left out because somebody asked for it.
import { ArgumentError, checkArray, checkChoice, checkNumber } from '../common/errors.ts';
import { parseTime } from './time.ts';

/** What a person may ask of rows; all that is asked must hold. */
export interface FilterOptions {
  /** Rows with a lower rating are left out; without it, ratings are not read. */
  minRating?: number;
  /**
   * Conditions on any column, as `quantity>0`, `status!=returned`: numbers by >, >=, <, <=; text or numbers by = and
   * !=.
   */
  where?: readonly string[];
  /** Rows of these events only, as `buy`; case does not count. */
  events?: readonly string[];
  /** Rows from this time on, before that time: what `parseTime` understands, without a zone in UTC. */
  since?: string;
  until?: string;
}

const OPERATORS = ['>=', '<=', '!=', '<>', '==', '=', '>', '<'] as const;

/** A condition on a column. */
export interface Condition {
  column: string;
  operator: '>=' | '<=' | '!=' | '=' | '>' | '<';
  text: string;
  /** NaN where `text` is no number. */
  number: number;
}

/** What the filters come to. */
export interface Filters {
  minRating?: number;
  conditions: readonly Condition[];
  events?: ReadonlySet<string>;
  /** Milliseconds since 1970; infinite where nothing is asked. */
  since: number;
  until: number;
}

/** @throws ArgumentError that names the wrong one. */
export function filtersOf({ minRating, where = [], events, since, until }: FilterOptions): Filters {
  if (minRating !== undefined) checkNumber('minRating', minRating, -Number.MAX_VALUE, Number.MAX_VALUE);
  const names = events && checkArray('events', events, 'an array of names of events');
  if (names && (names.length === 0 || names.some((name) => typeof name !== 'string' || name.trim() === '')))
    throw new ArgumentError('events', events, 'at least one name of an event');
  return {
    minRating,
    conditions: checkArray('where', where, 'an array of conditions').map(parseCondition),
    ...(names && { events: new Set(names.map((name) => (name as string).trim().toLowerCase())) }),
    since: since === undefined ? Number.NEGATIVE_INFINITY : checkTime('since', since),
    until: until === undefined ? Number.POSITIVE_INFINITY : checkTime('until', until),
  };
}

/** Milliseconds since 1970. @throws ArgumentError for what is no time. */
export function checkTime(argument: string, text: unknown): number {
  const time = typeof text === 'string' ? parseTime(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new ArgumentError(argument, text, 'a time as 2024-12-31, 2024-12-31T23:59:59Z or Unix seconds');
  return time;
}

/** `column operator value`, blanks around the operator as one likes. @throws ArgumentError */
export function parseCondition(condition: unknown): Condition {
  const text = typeof condition === 'string' ? condition : '';
  const [, column, found, value] = /^([^<>=!]+)(>=|<=|!=|<>|==|=|>|<)(.*)$/s.exec(text) ?? [];
  if (column === undefined || column.trim() === '')
    throw new ArgumentError('where', condition, `a condition as quantity>0 (${OPERATORS.join(' ')})`);
  const operator = checkChoice('where', found === '<>' ? '!=' : found === '==' ? '=' : found, [
    '>=',
    '<=',
    '!=',
    '=',
    '>',
    '<',
  ] as const);
  const right = value.trim();
  const number = right === '' ? Number.NaN : Number(right);
  if (!['=', '!='].includes(operator) && Number.isNaN(number))
    throw new ArgumentError('where', condition, 'a number behind the operator');
  return { column: column.trim(), operator, text: right, number };
}

/** Whether a row's value meets the condition; undefined where a number is wanted and there is none. */
export function meets({ operator, text, number }: Condition, value: string): boolean | undefined {
  const trimmed = value.trim();
  const own = toNumber(trimmed);
  if (operator === '=' || operator === '!=') {
    const same = trimmed === text || (!Number.isNaN(number) && own === number);
    return same === (operator === '=');
  }
  if (Number.isNaN(own)) return undefined;
  return operator === '>'
    ? own > number
    : operator === '>='
      ? own >= number
      : operator === '<'
        ? own < number
        : own <= number;
}

/** NaN for what is no number. A comma before one, two, or more than three digits is a decimal point. */
export function toNumber(text: string): number {
  const trimmed = text.trim();
  if (trimmed === '') return Number.NaN;
  return Number(/^[+-]?\d+,(\d{1,2}|\d{4,})$/.test(trimmed) ? trimmed.replace(',', '.') : trimmed);
}
