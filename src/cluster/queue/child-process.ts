import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { M3RecError } from '../../common/errors.ts';
import type { ChildArguments } from './child.ts';
import type { FromChild, ToChild } from './messages.ts';

/** Jobs after which a child is replaced: its linear memory has the size of the largest job it did. */
const JOBS_OF_A_CHILD = 200;
/** Time that a job has to end by itself once it was stopped. */
const STOP_MS = 3000;

/** How the child of a job ended it. */
export type Ended = Extract<FromChild, { type: 'done' | 'failed' }>;

/** The child process that does the jobs of a worker, one at a time; started when there is a job. */
export class JobProcess {
  private child: ChildProcess | undefined;
  private jobs = 0;

  constructor(private readonly given: ChildArguments) {}

  /**
   * @param onProgress is called about once a second
   * @throws M3RecError if the process ends before the job does.
   */
  async run(
    job: Extract<ToChild, { type: 'job' }>,
    signal: AbortSignal,
    onProgress: (progress: Extract<FromChild, { type: 'progress' }>) => void,
  ): Promise<Ended> {
    if (this.jobs >= JOBS_OF_A_CHILD) this.end();
    this.child ??= await this.start();
    this.jobs++;
    const { child } = this;
    let timer: NodeJS.Timeout | undefined;
    const stop = () => {
      child.send({ type: 'abort' } satisfies ToChild, () => {});
      timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    };
    try {
      return await new Promise<Ended>((resolve, reject) => {
        child.removeAllListeners();
        child.on('message', (message: FromChild) => {
          if (message.type === 'progress') onProgress(message);
          if (message.type === 'done' || message.type === 'failed') resolve(message);
        });
        child.on('error', reject);
        child.on('exit', (code, by) => {
          this.child = undefined;
          reject(new M3RecError(`the process of the job ended with ${by ?? `exit code ${code}`}`));
        });
        child.send(job, (error) => error && reject(error));
        if (signal.aborted) stop();
        signal.addEventListener('abort', stop, { once: true });
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  /** Starts the process, so that its self-test is done before there is a job. @throws M3RecError if it fails. */
  async ready(): Promise<void> {
    this.child ??= await this.start();
  }

  /** Ends the process, whatever it does. */
  end(): void {
    const { child } = this;
    this.child = undefined;
    this.jobs = 0;
    child?.removeAllListeners();
    child?.kill('SIGKILL');
  }

  private start(): Promise<ChildProcess> {
    const child = fork(scriptPath(), [], {
      env: { ...process.env, M3REC_JOBS: JSON.stringify(this.given) },
      serialization: 'json',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    return new Promise((resolve, reject) => {
      child.once('message', (message: FromChild) =>
        message.type === 'unfit' ? reject(new M3RecError(message.message)) : resolve(child),
      );
      child.once('error', reject);
      child.once('exit', (code) =>
        reject(new M3RecError(`the process for jobs ended as it began, with exit code ${code}`)),
      );
    });
  }
}

/** The script of the child: next to the bundles, or one folder above the chunk that this is in. */
function scriptPath(): string {
  const elsewhere = ['./cluster-job.js', '../../../dist/cluster-job.js'];
  const found = [
    new URL('../cluster-job.js', import.meta.url),
    ...elsewhere.map((path) => new URL(path, import.meta.url)),
  ]
    .map((url) => fileURLToPath(url))
    .find(existsSync);
  if (found === undefined) throw new M3RecError('dist/cluster-job.js of the package is missing: install m3rec again');
  return found;
}
