// A content-addressed store: bytes under their SHA-256, and under each job's name what it left. Nothing in it is ever
// changed, so two machines that do the same job write the same files, and order does not matter.
import { canonicalJson } from '../common/canonical-json.ts';
import { M3RecError } from '../common/errors.ts';
import { blobPath, putBlob } from '../node/blob-folder.ts';
import type { Files } from '../node/store-files.ts';
import type { BlobStore } from '../threads/work.ts';
import { digestOf, isDigest } from './digest.ts';
import { BlobError, DeterminismError } from './errors.ts';

const FORMAT = 'm3rec-store 1\n';

/** Bytes in a store. */
export interface BlobRef {
  /** SHA-256 of the bytes. */
  blob: string;
  bytes: number;
}

/** What a job left: written after all that it names. */
export interface JobRecord {
  outputs: BlobRef[];
  /** How long it took, and where. Not compared. */
  seconds: number;
  host: string;
  /** Further figures of that run. Not compared. */
  measured?: Record<string, number>;
}

/**
 * A store of blobs and records, over files of any sort. Every read is checked against its digest.
 * @throws DataError where its files cannot be read or written, from every method.
 * @example
 * const store = new Store(new FolderFiles('shop.store'));
 * const digest = await store.put(new TextEncoder().encode('hello'));
 * [digest.slice(0, 8), (await store.get(digest)).length]; // → ['2cf24dba', 5]
 */
export class Store {
  /** Bytes that were read and written, for who watches. */
  readonly traffic = { read: 0, written: 0 };

  constructor(readonly files: Files) {}

  get name(): string {
    return this.files.name;
  }

  /** Says that the folder is a store, or finds that it is one. @throws M3RecError for another format. */
  async open(): Promise<this> {
    const found = await this.files.read('format');
    if (found === undefined) {
      await this.files.write('format', new TextEncoder().encode(FORMAT), true);
      return this;
    }
    const text = new TextDecoder().decode(found);
    if (text !== FORMAT)
      throw new M3RecError(
        `${this.name}: its file "format" says ${JSON.stringify(text.slice(0, 40).trim())}, not "m3rec-store 1": give another store`,
      );
    return this;
  }

  /** @throws BlobError if it is not there, or its bytes have another digest. */
  async get(digest: string): Promise<Uint8Array> {
    const bytes = await this.files.read(blobPath(digest));
    if (bytes === undefined) throw new BlobError(digest, this.name, 'it is not there');
    this.traffic.read += bytes.length;
    const found = digestOf(bytes);
    if (found !== digest)
      throw new BlobError(
        digest,
        this.name,
        `its ${bytes.length} bytes have digest ${found.slice(0, 12)}: it is damaged`,
      );
    // a Buffer's own `slice` is a view where that of a Uint8Array is a copy
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  has(digest: string): Promise<boolean> {
    return this.files.size(blobPath(digest)).then((size) => size !== undefined);
  }

  /** @returns the digest that the bytes are under. */
  async put(bytes: Uint8Array): Promise<string> {
    const digest = digestOf(bytes);
    if (await putBlob(this.files, digest, bytes)) this.traffic.written += bytes.length;
    return digest;
  }

  /** Removes a blob that is damaged, so that it is made again. */
  discard(digest: string): Promise<void> {
    return this.files.remove(blobPath(digest));
  }

  /** What the job of that name left; undefined if it was not done. */
  async record(job: string): Promise<JobRecord | undefined> {
    const bytes = await this.files.read(recordPath(job));
    return bytes && recordOf(bytes);
  }

  /**
   * Says what a job left. The first record of a name stays.
   * @throws DeterminismError, naming both hosts, if there is one with other outputs.
   */
  async setRecord(job: string, record: JobRecord): Promise<void> {
    const bytes = new TextEncoder().encode(`${canonicalJson(record)}\n`);
    if (await this.files.write(recordPath(job), bytes, true)) return;
    const first = await this.record(job);
    if (first === undefined) {
      await this.files.write(recordPath(job), bytes); // it is damaged, or was removed meanwhile
      return;
    }
    checkSame(job, first, record);
  }

  /** Takes a record back, since what it names is lost. */
  dropRecord(job: string): Promise<void> {
    return this.files.remove(recordPath(job));
  }

  /** A JSON file that people and runs keep, such as the plan of a run; undefined if there is none. */
  async document(path: string): Promise<unknown> {
    const bytes = await this.files.read(path);
    if (bytes === undefined) return undefined;
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      return undefined;
    }
  }

  async setDocument(path: string, value: unknown): Promise<void> {
    await this.files.write(path, new TextEncoder().encode(`${canonicalJson(value)}\n`));
  }
}

/** A store as works see it: what is not there, or damaged, is undefined. */
export const blobsOf = (store: Store): BlobStore => ({
  put: (bytes) => store.put(bytes),
  async get(digest) {
    try {
      return await store.get(digest);
    } catch (error) {
      if (error instanceof BlobError) return undefined;
      throw error;
    }
  },
});

/** @throws DeterminismError unless two records of a job name the same outputs. */
export function checkSame(job: string, first: JobRecord, second: JobRecord): void {
  const [one, other] = [first, second].map(({ outputs }) => canonicalJson(outputs));
  if (one !== other)
    throw new DeterminismError(
      `job ${job.slice(0, 12)} gave other bytes on ${second.host} than on ${first.host}: one of them miscomputes (memory, engine, build); run m3rec cluster verify on both`,
    );
}

export const recordPath = (job: string) => `ac/${job.slice(0, 2)}/${job}`;

/** A record that can be trusted to have its form; undefined for anything else, as if there were none. */
function recordOf(bytes: Uint8Array): JobRecord | undefined {
  try {
    const { outputs, seconds, host, measured } = JSON.parse(new TextDecoder().decode(bytes)) as JobRecord;
    const good =
      outputs.every((each) => isDigest(each.blob) && Number.isSafeInteger(each.bytes) && each.bytes >= 0) &&
      Number.isFinite(seconds) &&
      typeof host === 'string';
    return good ? { outputs, seconds, host, ...(measured && { measured: numbersOf(measured) }) } : undefined;
  } catch {
    return undefined;
  }
}

const numbersOf = (values: object): Record<string, number> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => typeof value === 'number'));
