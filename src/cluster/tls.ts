import { ArgumentError } from '../common/errors.ts';

/**
 * Throws an ArgumentError where an address leads to another machine without TLS.
 * @param option that gave the address
 * @param secured whether it has TLS
 * @param remedy what to use instead
 * @param insecure whether that is wanted
 */
export function checkTls(option: string, { hostname }: URL, secured: boolean, remedy: string, insecure: boolean): void {
  if (secured || insecure || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return;
  throw ArgumentError.because(
    option,
    `${hostname} is another machine, and this address has no TLS: use ${remedy}, or give --insecure inside a network that nobody else is in`,
  );
}
