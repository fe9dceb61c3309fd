// What stages make, as files: read back as it was, and refused where it is damaged or another thing.
import { expect, test } from 'vitest';
import { ModelFileError } from '../../src/common/errors.ts';
import { type Codec, type Stage, StageRunner } from '../../src/engine/stage.ts';
import { assembleGenerated, generateMarkets } from '../../src/index.ts';
import { bothWays, mergeInteractions } from '../../src/models/interactions.ts';
import { intraSimilarity } from '../../src/models/intra.ts';
import { resolveM3RecOptions } from '../../src/models/m3rec/options.ts';
import { randomWalks, skipGram } from '../../src/models/m3rec/stages.ts';
import { rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();
const options = resolveM3RecOptions({ dim: 16, walks: 2, walkLength: 8, window: 3 });
const X = bothWays(
  kernels,
  mergeInteractions(assembleGenerated(generateMarkets({ seed: 2, users: 300, items: 200, interactions: 2000 }))),
);
const { run } = new StageRunner(async () => kernels);
const similarityStage = intraSimilarity(options, false);
const updatableStage = intraSimilarity(options, true);
const walkStage = randomWalks(options);
const skipGramStage = skipGram({ ...options, steps: 3 });
const similarity = await run(similarityStage, X);
const walks = await run(walkStage, X);
const vectors = await run(skipGramStage, { walks, B: similarity.similarity });

const codec = <T>(stage: Stage<never, T>) => stage.artefact as Codec<unknown>;
const all: [string, Codec<unknown>, unknown][] = [
  ['similarity', codec(similarityStage), similarity],
  ['similarity with its inverse', codec(updatableStage), await run(updatableStage, X)],
  ['walks', codec(walkStage), walks],
  ['no walks', codec(walkStage), { items: 3, width: 8, positions: new Int32Array(0) }],
  ['vectors', codec(skipGramStage), vectors],
];

test.each(all)('%s: the same value, and the same bytes again', (_, { encode, decode }, value) => {
  const bytes = encode(value);
  const read = decode(bytes);
  expect(read).toEqual(value);
  expect(encode(read)).toEqual(bytes);
});

test.each(all)('%s: one bit flipped anywhere is refused', (_, { encode, decode }, value) => {
  const bytes = encode(value);
  const step = Math.max(1, Math.floor(bytes.length / 200));
  for (let at = 0; at < bytes.length; at += step) {
    bytes[at] ^= 1;
    expect(() => decode(bytes), `byte ${at}`).toThrow(ModelFileError);
    bytes[at] ^= 1;
  }
});

test('another artefact is refused by name, and walks that leave the items by their place', () => {
  expect(() => codec(similarityStage).decode(codec(updatableStage).encode(similarity))).not.toThrow();
  const walksFile = codec(walkStage).encode(walks);
  expect(() => codec(similarityStage).decode(walksFile)).toThrow(
    /^section "artefact" at byte \d+: found "walks", expected "similarity"$/,
  );
  const wrong = codec(walkStage).encode({
    ...walks,
    positions: walks.positions.map((item, i) => (i === 5 ? 200 : item)),
  });
  expect(() => codec(walkStage).decode(wrong)).toThrow(
    /^section "positions" at byte \d+: found 200, expected a position below 200$/,
  );
});
