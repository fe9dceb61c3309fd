// Where a model file comes from.
import { ArgumentError } from '../common/errors.ts';
import { brokeOff, checkStatus, fetchUrl, readStream } from '../common/fetched.ts';
import { Job, type JobOptions } from '../common/job.ts';

type ModelSourceNow = Uint8Array | ArrayBuffer | Response | URL | string | ReadableStream<Uint8Array>;
/**
 * The bytes of a model file, a Response, the URL to fetch it from, a stream of its bytes (`file.stream()`), or a promise
 * of one of these.
 */
export type ModelSource = ModelSourceNow | Promise<ModelSourceNow>;

const STEP = { stage: 'read the model', id: 'read-model' };

/**
 * The bytes of a model file, whatever they are in; what is no source is returned as it came. Progress is in bytes, of
 * those that the server announces, or of 0.
 * @throws ArgumentError for a URL that cannot be fetched, a response that is not ok, and a stream that fails; AbortedError.
 */
export async function modelBytes(source: unknown, options: JobOptions): Promise<unknown> {
  const job = new Job(options);
  const wanted = { argument: 'model', file: 'a model file', signal: job.signal };
  let value: unknown = await source;
  if (typeof value === 'string' || value instanceof URL) value = await fetchUrl(value, wanted);
  if (typeof value !== 'object' || value === null) return value;
  let total = 0;
  if ('arrayBuffer' in value && 'headers' in value) {
    const response = value as Response;
    checkStatus(response, wanted);
    if (response.bodyUsed) throw ArgumentError.because('model', 'this response has been read already');
    if (!response.body) return response.arrayBuffer().catch((error) => Promise.reject(brokeOff(wanted, error)));
    // the bytes of a compressed body are not those that come out of it
    const announced = response.headers.get('content-encoding') ? 0 : Number(response.headers.get('content-length'));
    total = Number.isSafeInteger(announced) && announced <= MOST_ANNOUNCED ? announced : 0;
    value = response.body;
  }
  if (!('getReader' in (value as object))) return value;
  const stream = value as ReadableStream<Uint8Array>;
  if (stream.locked) throw ArgumentError.because('model', 'this stream is being read already');
  return readStream(stream, total, wanted, (done) => job.tick(STEP, done, Math.max(total, total && done)));
}

/** What a server announces is allocated at once up to here; more is collected as it comes. */
const MOST_ANNOUNCED = 2 ** 30;
