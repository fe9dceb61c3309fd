import { printable } from '../common/printable.ts';

/** An answer other than 200. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    /** For programs. */
    readonly code: string,
    message: string,
    /** What of the request is wrong. */
    readonly argument?: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(printable(message));
  }
}

/** What of the request is wrong, as a 400. */
export function wrongArgument(argument: string, problem: string): HttpError {
  return new HttpError(400, 'invalid_argument', `${argument}: ${problem}`, argument);
}

export const quote = (text: string) => JSON.stringify(text);
export const shorten = (text: string) => (text.length > 80 ? `${text.slice(0, 77)}...` : text);
