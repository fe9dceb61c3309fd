import { printable } from '../common/printable.ts';

/** An answer other than 200. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    /** Names the failure to programs. */
    readonly code: string,
    message: string,
    /** The argument of the request that is wrong. */
    readonly argument?: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(printable(message));
  }
}

/** A 400 that names the wrong argument. */
export function wrongArgument(argument: string, problem: string): HttpError {
  return new HttpError(400, 'invalid_argument', `${argument}: ${problem}`, argument);
}

export const quote = (text: string) => JSON.stringify(text);
export const shorten = (text: string) => (text.length > 80 ? `${text.slice(0, 77)}...` : text);
