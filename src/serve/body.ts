import { joined } from './answer.ts';
import { HttpError, quote, shorten } from './errors.ts';

/** Parses the JSON of a body. Reads piece by piece and stops at the limit, whatever Content-Length says. */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  const { headers } = request;
  const type = headers.get('content-type') ?? '';
  if (
    !/^application\/json\s*(;|$)/i.test(type) ||
    !/^utf-?8$/i.test(/charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1] ?? 'utf-8')
  ) {
    throw new HttpError(
      415,
      'unsupported_media_type',
      `content-type: found ${quote(shorten(type))}, expected application/json in UTF-8`,
      'content-type',
    );
  }
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity')
    throw new HttpError(
      415,
      'unsupported_media_type',
      `content-encoding: found ${quote(shorten(encoding))}, expected none: send the body uncompressed`,
      'content-encoding',
    );
  const tooLarge = () =>
    new HttpError(413, 'body_too_large', `the body has more than ${limit} bytes: send fewer queries or ids`);
  if (Number(headers.get('content-length')) > limit) throw tooLarge();
  const bytes = await readBody(request, limit, tooLarge);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HttpError(400, 'invalid_json', 'the body is not UTF-8: send JSON in UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(
      400,
      'invalid_json',
      `the body is ${text === '' ? 'empty' : 'not JSON'}: send a query as JSON, or {"queries": [...]}`,
    );
  }
}

async function readBody(request: Request, limit: number, tooLarge: () => HttpError): Promise<Uint8Array> {
  const broken = () => new HttpError(400, 'incomplete_body', 'the body ended early: send the request again');
  // Firefox has no Request.body. There the browser itself made the request.
  if (request.body === undefined) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > limit) throw tooLarge();
    return bytes;
  }
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const { done, value } = await reader.read().catch(() => {
      throw broken();
    });
    if (done) break;
    length += value.length;
    if (length > limit) {
      // Not cancelled: that would make Node close the connection before the answer is sent.
      reader.releaseLock();
      throw tooLarge();
    }
    pieces.push(value);
  }
  return joined(pieces);
}
