// The last job of a training: the training itself, which takes up what other jobs made of its stages.
import { ArgumentError } from '../../common/errors.ts';
import { encodeModel } from '../../models/file.ts';
import { type Adapted, adaptedArtefact, learnedArtefact, walksArtefact } from '../../models/m3rec/stages.ts';
import { train } from '../../train/train.ts';
import { joinMarkets, type MarketParts } from '../data-blobs.ts';
import type { JobInput, JobKind } from '../job-kind.ts';
import { objectOf, textOf } from '../params.ts';
import type { Params } from '../plan.ts';
import { decodeMatrix } from './similarity.ts';
import { decodeMarket, decodeVectors } from './transfer.ts';

/** What a stage's value is stored as. */
const VALUES = {
  matrix: decodeMatrix,
  intra: (bytes: Uint8Array) => ({ similarity: decodeMatrix(bytes) }),
  market: decodeMarket,
  vectors: decodeVectors,
  walks: walksArtefact.decode,
  learned: learnedArtefact.decode,
} as const;

/** What markets learned, each in a file of its own. */
function joinAdapted(files: readonly Uint8Array[]): Adapted {
  const parts = files.map((bytes) => adaptedArtefact.decode(bytes));
  return { markets: parts.map(({ learned }) => learned), losses: parts.map(({ losses }) => losses) };
}

export type ValueType = keyof typeof VALUES | 'adapted';

/** A stage that other jobs made: its name in the training, and what its value is. */
export interface KnownStage {
  stage: string;
  type: ValueType;
}

/**
 * Inputs: the catalogue; of each market its rows, its users and, where it is said to have some, its held-out rows; the
 * values of the known stages. Outputs: the model file.
 */
export const trainJob: JobKind = {
  name: 'train',
  version: 1,
  async run(params, inputs, context) {
    const next = inputs.values();
    const catalogue = await bytesOf(next);
    const parts: MarketParts[] = [];
    for (const { name, heldOut } of listOf<{ name: string; heldOut?: boolean }>(params, 'markets'))
      parts.push({
        name,
        rows: await bytesOf(next),
        users: await bytesOf(next),
        ...(heldOut && { heldOut: await bytesOf(next) }),
      });
    const known = new Map<string, unknown>();
    for (const { stage, type } of listOf<KnownStage>(params, 'known')) {
      if (type === 'adapted') {
        const files: Uint8Array[] = [];
        for (const _ of parts) files.push(await bytesOf(next));
        known.set(stage, joinAdapted(files));
        continue;
      }
      if (!Object.hasOwn(VALUES, type)) throw new ArgumentError('params.known', type, Object.keys(VALUES).join(', '));
      known.set(stage, VALUES[type](await bytesOf(next)));
    }
    const { onProgress, signal } = context;
    const model = await train(joinMarkets(catalogue, parts), {
      ...(await context.alone()),
      onProgress,
      signal,
      ...objectOf(params, 'options'),
      model: textOf(params, 'model'),
      ...(params.updatable === true && { updatable: true }),
      ...(params.selectBy !== undefined && { selectBy: textOf(params, 'selectBy') }),
      known: ({ name }) => known.get(name),
    } as Parameters<typeof train>[1]);
    return [encodeModel(model)];
  },
};

async function bytesOf(inputs: Iterator<JobInput, unknown>): Promise<Uint8Array> {
  const { value, done } = inputs.next();
  if (done) throw ArgumentError.because('inputs', 'there are fewer than the params say');
  return (value as JobInput).bytes();
}

function listOf<T extends object>(params: Params, name: string): T[] {
  const list = params[name];
  if (!Array.isArray(list) || !list.every((each) => typeof each === 'object' && each !== null))
    throw new ArgumentError(`params.${name}`, list, 'a list of objects');
  return list as T[];
}
