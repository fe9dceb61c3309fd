import { M3RecError } from '../common/errors.ts';
import { assembleGenerated, generateMarkets } from '../data/generate.ts';
import { bothWays, mergeInteractions } from '../models/interactions.ts';
import { itemVectors } from '../models/transfer/stages.ts';
import { groupEase } from '../similarity/groups.ts';
import { digestOf } from './digest.ts';
import type { Warm } from './warm.ts';

/** Of what the kernels make of a small generated market, on every machine. test/cluster/self-test.test.ts says how to renew it. */
export const EXPECTED = 'dbd26195714e4c1a641807fd412588b10acdca79e11f6107c5fcbdcd3e9a90d2';

/** The digest of a similarity and of vectors, by the kernels that jobs use. */
export async function kernelsWork(warm: Warm): Promise<string> {
  const markets = assembleGenerated(generateMarkets({ seed: 3, users: 400, items: 200, interactions: 3000 }));
  const context = warm.context();
  const { kernels } = await context.warm('self-test', () => undefined);
  const { X, transposed } = bothWays(kernels, mergeInteractions(markets));
  const stage = context.stage(kernels, 'self-test', 'self-test');
  const { similarity } = await groupEase(stage, X, transposed, { lambda: 20, epsilon: 0.01, group: 16, most: 48 });
  const { value } = await itemVectors(32, 1).run(X, stage);
  const parts = [similarity.indptr, similarity.indices, similarity.values, value.vectors];
  return digestOf(
    Buffer.concat(parts.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))),
  );
}

/**
 * Makes sure that this machine's engine computes what all others do, before it is given work.
 * @throws M3RecError if it does not.
 */
export async function selfTest(warm: Warm): Promise<void> {
  const found = await kernelsWork(warm);
  if (found !== EXPECTED)
    throw new M3RecError(
      `the kernels gave other bytes here (${found.slice(0, 12)}) than on other machines (${EXPECTED.slice(0, 12)}): this machine's memory or JavaScript engine miscomputes, so it takes no jobs`,
    );
}
