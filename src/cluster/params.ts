// Values that came from a plan, checked before they are used.
import { ArgumentError, checkInteger, checkObject } from '../common/errors.ts';
import type { Params } from './plan.ts';

/** An integer of a job's params. @throws ArgumentError */
export const integerOf = (params: Params, name: string, min = 0, max = 2 ** 31 - 1): number =>
  checkInteger(`params.${name}`, params[name], min, max);

/** A range [begin, end) of a job's params. @throws ArgumentError */
export function rangeOf(params: Params, most: number): readonly [begin: number, end: number] {
  const { range } = params;
  const [begin, end] = Array.isArray(range) ? range : [];
  if (!(Number.isInteger(begin) && Number.isInteger(end) && 0 <= begin && begin <= end && end <= most))
    throw new ArgumentError('params.range', range, `two integers from 0 to ${most}, the first not above the second`);
  return [begin, end];
}

/** A text of a job's params. @throws ArgumentError */
export function textOf(params: Params, name: string): string {
  const text = params[name];
  if (typeof text !== 'string') throw new ArgumentError(`params.${name}`, text, 'text');
  return text;
}

/** An object of a job's params. @throws ArgumentError */
export const objectOf = (params: Params, name: string) => checkObject(`params.${name}`, params[name]);

/** Texts of a job's params. @throws ArgumentError */
export function textsOf(params: Params, name: string): string[] {
  const list = params[name];
  if (!Array.isArray(list) || !list.every((text) => typeof text === 'string'))
    throw new ArgumentError(`params.${name}`, list, 'a list of texts');
  return list;
}
