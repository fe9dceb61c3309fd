import { createServer, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { ArgumentError, M3RecError } from '../common/errors.ts';
import type { Handler } from '../serve/handler.ts';

/** The rest of a refused body is read and discarded up to this size before the answer is sent. */
const DRAIN_BYTES = 64 << 20;
const DRAIN_MS = 5000;

/** Bytes of a request line and its headers. The handler's limit of a URL is lower, so it applies first. */
const HEADER_BYTES = 65_536;

/**
 * How long an idle connection is kept: longer than gateways keep theirs (60 s as they come), so that none of them sends a
 * request on one that is just being closed.
 */
const IDLE_MS = 65_000;

export interface HttpOptions {
  host: string;
  /** 0 chooses a free one. */
  port: number;
  signal: AbortSignal;
  /** Time in ms that running answers have once the signal has aborted. */
  graceMs: () => number;
  /** Called with the address in use once requests are accepted. */
  onListening: (url: string) => void;
}

/**
 * Answers HTTP with a handler until the signal aborts.
 * @throws ArgumentError for a host that is not an address of this machine, M3RecError for a port that cannot be used.
 */
export async function serveHttp(
  handler: Handler,
  { host, port, signal, graceMs, onListening }: HttpOptions,
): Promise<void> {
  const answer = async (request: Request) => {
    const response = await handler(request);
    if (request.body && !request.body.locked) await drain(request.body);
    return response;
  };
  const listener = getRequestListener(answer, {
    overrideGlobalObjects: false,
    // The handler never rejects, so this request has no valid URL.
    errorHandler: () =>
      Response.json(
        { error: { code: 'invalid_url', message: 'no valid URL in request line and Host' } },
        { status: 400 },
      ),
  });
  const open = new Set<ServerResponse>();
  const server = createServer({ maxHeaderSize: HEADER_BYTES, keepAliveTimeout: IDLE_MS }, (request, response) => {
    open.add(response);
    if (signal.aborted) response.shouldKeepAlive = false;
    response.once('close', () => {
      open.delete(response);
      if (signal.aborted) server.closeIdleConnections();
    });
    void listener(request, response);
  });
  server.on('clientError', refuse);
  server.on('checkExpectation', (_request, response) => {
    const { code, message } = { code: 'expectation_failed', message: 'expect: only 100-continue is known' };
    response.writeHead(417, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { code, message } }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen(port, host, resolve);
  });
  const { address, port: actual, family } = server.address() as AddressInfo;
  onListening(`http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  // A kept connection would bring further requests for as long as the last answer takes.
  for (const response of open) response.shouldKeepAlive = false;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs());
  await closed;
  clearTimeout(timer);
}

/** Answers an invalid or late request, and ends the connection. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'headers_too_large', `the request line and headers have more than ${HEADER_BYTES} bytes: use POST`]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'request_timeout', 'the request did not arrive in time: send it again']
        : [400, 'invalid_request', 'this is not an HTTP request'];
  const body = JSON.stringify({ error: { code, message } });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status as number]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/**
 * Reads the rest of a body that the handler refused. Node closes a connection with unread bytes soon after the answer,
 * when the client may already have sent its next request on it.
 */
async function drain(body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  const timer = setTimeout(() => reader.releaseLock(), DRAIN_MS);
  try {
    for (let bytes = 0; bytes <= DRAIN_BYTES; ) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.length;
    }
  } catch {
    // The client has gone, or the time is over.
  } finally {
    clearTimeout(timer);
    reader.releaseLock();
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') return new M3RecError(`${host}:${port}: the port is in use; give another --port`);
  if (error.code === 'EACCES')
    return new M3RecError(`${host}:${port}: no permission to use this port; give another --port, such as 8080`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN')
    return new ArgumentError('--host', host, 'an address or name of this machine');
  return new M3RecError(`${host}:${port}: ${error.code ?? error.message}`);
}
