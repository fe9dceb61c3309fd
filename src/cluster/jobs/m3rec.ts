// What a training of kind `m3rec` has besides its similarities: walks with the vectors that are learned from them, which
// are one job, and each market's adaptation, which takes numbers alone from the others.
import { adapt } from '../../embedding/adapt.ts';
import { StageRunner } from '../../engine/stage.ts';
import { normaliseRows } from '../../matrix/normalise.ts';
import { emptyMatrix } from '../../matrix/sparse.ts';
import { bothWays } from '../../models/interactions.ts';
import type { M3RecOptions } from '../../models/m3rec/options.ts';
import { adaptedArtefact, learnedArtefact, randomWalks, skipGram, walksArtefact } from '../../models/m3rec/stages.ts';
import { adaptationInput, skipGramSettings } from '../../models/m3rec/train.ts';
import { decodeRows } from '../data-blobs.ts';
import type { JobInput, JobKind } from '../job-kind.ts';
import { integerOf, objectOf } from '../params.ts';
import { decodeMatrix, interactionsOf } from './similarity.ts';

/** Inputs: interactions of all `count` markets, then B̂ where items are alike. Outputs: the walks, and V_glob. */
export const embeddingJob: JobKind = {
  name: 'embedding',
  version: 1,
  async run(params, inputs, context) {
    const options = objectOf(params, 'options') as unknown as M3RecOptions;
    const { kernels } = await context.warm('embedding', () => undefined);
    const all = bothWays(kernels, await interactionsOf({ ...params, scope: 'merged' }, inputs));
    const { run } = new StageRunner(async () => kernels, { signal: context.signal, onProgress: context.onProgress });
    const B = await similarityAfter(inputs, integerOf(params, 'count', 1));
    const walks = await run(randomWalks(options), all);
    const learned = await run(skipGram(skipGramSettings(options)), {
      walks,
      B: B ? normaliseRows(kernels, B) : emptyMatrix(all.X.cols),
    });
    return [walksArtefact.encode(walks), learnedArtefact.encode(learned)];
  },
};

/**
 * Inputs: a market's interactions, then B̂ and V_glob where `intra` and `inter` say that there are these. Output: what
 * the market learns at its `place` among all.
 */
export const adaptJob: JobKind = {
  name: 'adapt',
  version: 1,
  async run(params, inputs, context) {
    const options = objectOf(params, 'options') as unknown as M3RecOptions;
    const place = objectOf(params, 'place');
    const numbers = Object.fromEntries(
      (['index', 'markets', 'firstUser', 'users', 'steps'] as const).map((name) => [name, integerOf(place, name)]),
    ) as Record<'index' | 'markets' | 'firstUser' | 'users' | 'steps', number>;
    const market = decodeRows(await inputs[0].bytes(), integerOf(params, 'items', 1));
    const merged = params.intra === true ? await similarityAfter(inputs, 1) : undefined;
    const vectors = params.inter === true ? learnedArtefact.decode(await inputs.at(-1)!.bytes()) : undefined;
    const { kernels } = await context.warm('adapt', () => undefined);
    const input = adaptationInput(kernels, market, merged, vectors);
    const stage = context.stage(kernels, 'adaptation', 'adaptation');
    const { markets, losses } = await adapt(stage, [input], options, [numbers]);
    const file = { learned: markets[0], losses: losses[0], items: market.items.length, width: options.dim };
    return [adaptedArtefact.encode(file)];
  },
};

async function similarityAfter(inputs: readonly JobInput[], count: number) {
  return inputs.length > count ? decodeMatrix(await inputs[count].bytes()) : undefined;
}
