// Where a model file comes from.
import { ArgumentError } from '../common/errors.ts';
import { checkStatus, fetchUrl, readStream } from '../common/fetched.ts';
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
    // the bytes of a compressed body are not those that come out of it
    total = response.headers.get('content-encoding') ? 0 : Number(response.headers.get('content-length'));
    value = response.body ?? new Uint8Array();
  }
  if (!('getReader' in (value as object))) return value;
  const stream = value as ReadableStream<Uint8Array>;
  if (stream.locked) throw ArgumentError.because('model', 'it has been read already');
  return readStream(stream, wanted, (done) => job.tick(STEP, done, total > 0 ? Math.max(total, done) : 0));
}
