// Which solver finds B̂, and what the stage says of it.
import { expect, test } from 'vitest';
import { assembleGenerated, encodeModel, generateMarkets, train } from '../../src/index.ts';
import type { SparseMatrix } from '../../src/matrix/sparse.ts';

const markets = assembleGenerated(generateMarkets({ seed: 5, users: 900, items: 700, interactions: 9000 }));
const small = assembleGenerated(generateMarkets({ seed: 5, users: 400, items: 240, interactions: 4000 }));

test('groups by default, whatever is asked about them, and the stage says so in plain words', async () => {
  const details: string[] = [];
  const onStage = ({ detail }: { detail: string }) => void details.push(detail);
  const left = await train(markets, { model: 'ease', onStage });
  const auto = await train(markets, { model: 'ease', easeSolver: 'auto', onStage });
  const asked = await train(markets, { model: 'ease', easeSolver: 'groups', onStage });
  expect(Buffer.compare(encodeModel(auto), encodeModel(left))).toBe(0);
  expect(left.training.options).not.toHaveProperty('easeSolver');
  expect(asked.training.options).toMatchObject({ easeSolver: 'groups', systemItems: 256 });
  expect(asked.markets).toEqual(left.markets);
  expect(left.training.stages).toEqual([
    { stage: 'similarity of all markets', items: 700, entries: left.training.stages![0].entries },
  ]);
  const way = '22 groups of up to 32 items, each solved with up to 224 others that matter most to it';
  expect(details[0]).toContain(`; ${way} (ranks as the exact inverse does, sooner)`);
  expect(details[1]).toBe(details[0]);
  expect(details[2]).toContain(`; ${way} (as asked)`);
});

test('exact if asked for, or if the model is to be updatable', async () => {
  const details: string[] = [];
  const onStage = ({ detail }: { detail: string }) => void details.push(detail);
  const exact = await train(small, { model: 'ease', easeSolver: 'exact', onStage });
  const updatable = await train(small, { model: 'ease', updatable: true, onStage });
  expect(updatable.markets).toEqual(exact.markets);
  const way = /; exact, (dense|sparse elimination: 0\.\d\d of the dense way's operations) \((.*)\)$/;
  expect(way.exec(details[0])?.[2]).toBe('as asked');
  expect(way.exec(details[1])?.[2]).toBe('an updatable model needs the inverse');
});

test('larger systems are nearer to the exact ones', async () => {
  const exact = (await train(markets, { model: 'ease', easeSolver: 'exact', epsilon: -1 })).markets;
  const distances: number[] = [];
  for (const systemItems of [64, 256, 4096]) {
    const found = (await train(markets, { model: 'ease', epsilon: -1, systemItems })).markets;
    distances.push(Math.max(...found.map(({ linear }, m) => furthest(linear!, exact[m].linear!))));
  }
  expect(distances[1]).toBeLessThan(distances[0]);
  expect(distances[2]).toBeLessThan(distances[1]);
});

/** The largest difference of an entry; one that is missing is 0. */
function furthest(found: SparseMatrix, expected: SparseMatrix): number {
  let most = 0;
  const row = new Float64Array(expected.cols);
  for (let i = 0; i < expected.rows; i++) {
    row.fill(0);
    for (let e = expected.indptr[i]; e < expected.indptr[i + 1]; e++) row[expected.indices[e]] = expected.values[e];
    for (let e = found.indptr[i]; e < found.indptr[i + 1]; e++) row[found.indices[e]] -= found.values[e];
    for (const difference of row) most = Math.max(most, Math.abs(difference));
  }
  return most;
}

test('an updatable model cannot be asked for by groups', async () => {
  await expect(train(markets, { model: 'ease', easeSolver: 'groups', updatable: true })).rejects.toThrow(
    /^easeSolver: found "groups", expected exact or auto for an updatable model/,
  );
  await expect(train(markets, { easeSolver: 'quick' as never })).rejects.toThrow(
    /^easeSolver: found "quick", expected auto, groups, exact$/,
  );
  await expect(train(markets, { systemItems: 100 })).rejects.toThrow(/^systemItems: found 100, expected /);
});
