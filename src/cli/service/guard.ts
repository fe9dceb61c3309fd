// A service without a log-in on a person's own machine is reached by every page in that person's browser. What such a
// page can send is refused before any work: names that lead here by DNS rebinding, and requests from other sites.

import { isIP } from 'node:net';
import type { Cors } from '../../serve/answer.ts';

/** Whether only this machine reaches an address or name. */
export function isLoopback(host: string): boolean {
  return host === '::1' || isLocalName(host) || (isIP(host) === 4 && host.startsWith('127.'));
}

const isLocalName = (name: string) => name === 'localhost' || name.endsWith('.localhost');

/**
 * The answer to a request that a stranger's page has sent, else undefined.
 * @param hosts names that may lead here, besides addresses and those that always mean this machine
 * @param cors origins whose pages are no strangers
 */
export function refuseStranger(request: Request, hosts: readonly string[], cors: Cors): Response | undefined {
  const { hostname } = new URL(request.url);
  const name = hostname.replace(/^\[|\]$/g, '');
  // An address is safe: only a name can be made to point somewhere else.
  if (isIP(name) === 0 && !isLocalName(name) && !hosts.includes(name))
    return refusal(421, 'unknown_host', `${JSON.stringify(name)} is no name of this service: name it by --allow-host`);
  const origin = request.headers.get('origin');
  const allowed = cors === '*' || (origin !== null && cors?.includes(origin));
  // A link that somebody follows shows an answer to that person alone.
  const followed = request.headers.get('sec-fetch-mode') === 'navigate';
  if (request.headers.get('sec-fetch-site') === 'cross-site' && !allowed && !followed)
    return refusal(403, 'cross_site', 'a page of another site asks: allow its origin by --cors');
  return undefined;
}

function refusal(status: number, code: string, message: string): Response {
  return Response.json({ error: { code, message } }, { status });
}
