// What goes wrong between machines, each told apart since it is answered differently.
import { M3RecError } from '../common/errors.ts';

/** The same job gave other bytes: a machine's memory, its engine, or a build that says it is another one. */
export class DeterminismError extends M3RecError {
  override name = 'DeterminismError';
}

/** What a store has under a digest is not there, or is not of that digest. */
export class BlobError extends M3RecError {
  override name = 'BlobError';
  constructor(
    readonly digest: string,
    store: string,
    problem: string,
  ) {
    super(`${store}: blob ${digest.slice(0, 12)}: ${problem}`);
  }
}

/** A job waits for another one: that was not run yet, or what it left is lost and it has to run again. */
export class InputMissingError extends M3RecError {
  override name = 'InputMissingError';
  /** @param job number of the other one */
  constructor(
    readonly job: number,
    sentence: string,
  ) {
    super(sentence);
  }
}
