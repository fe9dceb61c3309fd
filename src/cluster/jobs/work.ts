// Works of other parts of the package (threads/work.ts), such as trials of experiments, as jobs.
import { ArgumentError, M3RecError } from '../../common/errors.ts';
import type { WorkKind } from '../../threads/work.ts';
import type { JobKind } from '../job-kind.ts';
import { integerOf, textOf } from '../params.ts';

const known = new Map<string, WorkKind<unknown, unknown>>();

/** Says that this process can do a work: its program does, since the cluster knows none. */
export function offerWork<In, Out>(kind: WorkKind<In, Out>): void {
  known.set(kind.name, kind as unknown as WorkKind<unknown, unknown>);
}

/** Input: that of the work, by its codec. Output: its result, by its codec. */
export const workJob: JobKind = {
  name: 'work',
  version: 1,
  async run(params, [input], context) {
    const name = textOf(params, 'work');
    const kind = known.get(name);
    if (!kind) throw new ArgumentError('params.work', name, [...known.keys()].join(', ') || 'no work, in this program');
    const version = integerOf(params, 'version');
    if (kind.version !== version)
      throw new M3RecError(`this build has version ${kind.version} of the work ${name}, the plan ${version}`);
    const { blobs, measured, onProgress, signal } = context;
    const threads = await context.alone();
    const output = await kind.run(kind.input.decode(await input.bytes()), {
      blobs,
      threads,
      onProgress,
      signal,
      measured,
    });
    return [kind.output.encode(output)];
  },
};

/** Inputs: any. Output: their digests, a line each: what a run of works ends with. */
export const collectJob: JobKind = {
  name: 'collect',
  version: 1,
  run: async (_, inputs) => [new TextEncoder().encode(inputs.map(({ digest }) => `${digest}\n`).join(''))],
};
