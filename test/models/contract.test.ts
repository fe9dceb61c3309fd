// What every kind of the registry promises, on a checkerboard of markets with a known answer. A new kind needs no line
// here.
import { describe, expect, test } from 'vitest';
import { StageRunner } from '../../src/engine/stage.ts';
import {
  ArgumentError,
  decodeModel,
  encodeModel,
  exportModel,
  loadModel,
  loadModelOf,
  type Market,
  type Markets,
  type Model,
  ModelFileError,
  type Recommender,
  train,
  UnseenUserError,
  update,
} from '../../src/index.ts';
import type { ModelKind } from '../../src/models/kind.ts';
import { KINDS, type KindName } from '../../src/models/registry.ts';
import { SERVED_KINDS } from '../../src/models/served.ts';
import { nodeWorkers } from '../../src/node/files.ts';
import { rawKernels } from '../support/reference.ts';

/** Items of each colour; items of even number are white, the others black. */
const EACH = 8;
const items = Array.from({ length: 2 * EACH }, (_, i) => `i${String(i).padStart(2, '0')}`);
const ofColour = (colour: number) => Array.from({ length: EACH }, (_, i) => 2 * i + colour);

interface Person {
  id: string;
  colour: number;
  /** The one item of the colour that the person has not had. */
  missing: number;
}

/**
 * Two out of three people of market `white` have white items only, the rest black ones only; in `black` it is the other
 * way round.
 */
const peopleOf = (favourite: number): Person[] =>
  Array.from({ length: 6 * EACH }, (_, u) => ({
    id: `u${String(u).padStart(2, '0')}`,
    colour: u % 3 === 2 ? 1 - favourite : favourite,
    missing: Math.floor(u / 3) % EACH,
  }));
const people: Record<string, Person[]> = { black: peopleOf(1), white: peopleOf(0) };
const FAVOURITES: Record<string, number> = { black: 1, white: 0 };

const historyOf = ({ colour, missing }: Person) => ofColour(colour).filter((_, i) => i !== missing);
const answerOf = ({ colour, missing }: Person) => items[2 * missing + colour];

function marketOf(name: string): Market {
  const rows = people[name].map(historyOf);
  return {
    name,
    users: people[name].map(({ id }) => id),
    items: Int32Array.from(items.keys()),
    interactions: {
      rows: rows.length,
      cols: items.length,
      indptr: Int32Array.from({ length: rows.length + 1 }, (_, u) => u * (EACH - 1)),
      indices: Int32Array.from(rows.flat()),
    },
    heldOut: {},
  };
}
const markets: Markets = { items, markets: ['black', 'white'].map(marketOf) };

/** Options by which a kind that learns by steps has learnt these few rows within a second. */
const STEPS = { dim: 16, batch: 64, learningRate: 0.01 };
const SMALL: { [Name in KindName]?: Parameters<typeof train>[1] } = {
  item2vec: { walkLearningRate: 0.05 },
  ials: { dim: 16 },
  bpr: { dim: 16, batch: 64 },
  lightgcn: { dim: 16, batch: 64 },
  bitgcf: { dim: 16, batch: 64, epochs: 40 },
  gmf: { ...STEPS, epochs: 8 },
  mlp: { ...STEPS, epochs: 8, hidden: 32 },
  neumf: { ...STEPS, epochs: 6, hidden: 32 },
  marketneumf: { ...STEPS, epochs: 6, hidden: 32 },
  crossstitch: { ...STEPS, epochs: 6, hidden: 32 },
  mmoe: { ...STEPS, epochs: 8, hidden: 32 },
  star: { ...STEPS, epochs: 8, hidden: 32 },
  forec: { ...STEPS, epochs: 4, metaEpochs: 2, forkEpochs: 4, shots: 352, hidden: 32 },
  multvae: { ...STEPS, epochs: 40, hidden: 32 },
};

/** Each kind, and each preset of those that have presets. */
const variants = KINDS.flatMap((kind: ModelKind) =>
  (kind.options.preset?.type === 'choice' ? kind.options.preset.choices : [undefined]).map(
    (preset) =>
      [
        preset === undefined ? kind.name : `${kind.name}, preset ${preset}`,
        kind,
        { ...SMALL[kind.name as KindName], preset },
      ] as const,
  ),
);

test('every kind is served, as itself, and no two share a name or a code', () => {
  expect(SERVED_KINDS.map(({ name, code }) => [name, code]).sort()).toEqual(
    KINDS.map(({ name, code }) => [name, code]).sort(),
  );
  for (const kind of KINDS) expect(SERVED_KINDS.find(({ code }) => code === kind.code)?.scorer).toBe(kind.scorer);
  for (const key of ['name', 'code'] as const)
    expect(new Set(SERVED_KINDS.map((kind) => kind[key])).size).toBe(SERVED_KINDS.length);
});

describe.each(variants)('%s', (_, kind, given) => {
  const options = { model: kind.name as KindName, ...given } as Parameters<typeof train>[1];
  const trained = train(markets, options);
  const opened = trained.then((model) => loadModel(encodeModel(model)));
  const topOf = (recommender: Recommender, market: string, query: { user: string } | { items: string[] }) =>
    recommender.recommend({ market, ...query, k: 1 }).items[0].item;

  test('people get the one item of their colour that they have not had', async () => {
    const recommender = await opened;
    for (const [market, all] of Object.entries(people))
      for (const person of all)
        if (kind.personal || person.colour === FAVOURITES[market]) {
          expect(topOf(recommender, market, { user: person.id }), `${market}, ${person.id}`).toBe(answerOf(person));
        }
  });

  test('what somebody has had is not recommended to them, and an item of another market never', async () => {
    const recommender = await opened;
    for (const [market, all] of Object.entries(people))
      for (const person of all.slice(0, 6)) {
        const { items: found } = recommender.recommend({ market, user: person.id, k: items.length });
        const had = new Set(historyOf(person).map((item) => items[item]));
        expect(found.filter(({ item }) => had.has(item))).toEqual([]);
      }
  });

  test('what it holds of each item and user can be left out or narrowed', async () => {
    const model = await trained;
    if (model.parameters) {
      expect(() => exportModel(model, { users: false })).toThrow(ArgumentError);
      return;
    }
    const without = exportModel(model, { users: false });
    expect(without.markets.every(({ users, seenItems }) => users === undefined && seenItems === undefined)).toBe(true);
    if (!model.markets[0].vectors) return;
    const person = people.white.find(({ colour }) => colour === FAVOURITES.white)!;
    for (const vectors of ['f16', 'int8'] as const) {
      const recommender = await loadModel(encodeModel(exportModel(model, { vectors })));
      expect(topOf(recommender, 'white', { user: person.id })).toBe(answerOf(person));
    }
  });

  test('somebody unseen with the same history gets the same item, or is refused by a typed error', async () => {
    const recommender = await opened;
    for (const [market, all] of Object.entries(people)) {
      const person = all.find(({ colour }) => colour === FAVOURITES[market])!;
      const history = historyOf(person).map((item) => items[item]);
      if (kind.foldsIn) expect(topOf(recommender, market, { items: history })).toBe(answerOf(person));
      else expect(() => topOf(recommender, market, { items: history })).toThrow(UnseenUserError);
    }
  });

  test('a batch answers as each query alone does', async () => {
    const recommender = await opened;
    const queries = Object.entries(people).flatMap(([market, all]) =>
      all.map(({ id }) => ({ market, user: id, k: 5, explain: kind.explains })),
    );
    expect(recommender.recommendBatch(queries)).toEqual(queries.map((query) => recommender.recommend(query)));
  });

  test('every score is a number, and where scores are explained, the parts sum to it', async () => {
    const recommender = await opened;
    for (const [market, all] of Object.entries(people)) {
      for (const { id } of all.slice(0, 6)) {
        const { items: found } = recommender.recommend({
          market,
          user: id,
          k: items.length,
          includeSeen: true,
          explain: kind.explains,
        });
        expect(found).toHaveLength(items.length);
        for (const { score, because = [], own = 0, bias = 0 } of found) {
          expect(Number.isFinite(score)).toBe(true);
          const sum = because.reduce((total, { contribution }) => total + contribution, own + bias);
          if (kind.explains) expect(Math.abs(sum - score)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(score)));
          else expect(because).toEqual([]);
        }
      }
    }
    const asked = () => recommender.recommend({ market: 'black', user: 'u00', explain: true });
    // what popularity scores is a bias, which is told where it is asked for
    if (!kind.explains && kind.personal) expect(asked).toThrow(ArgumentError);
  });

  test('a file of it holds the same model, in the same bytes', async () => {
    const model = await trained;
    const bytes = encodeModel(model);
    const read = decodeModel(bytes);
    expect(read.kind).toBe(kind.name);
    expect(encodeModel(read)).toEqual(bytes);
    const recommender = await opened;
    const again = await loadModel(encodeModel(read));
    for (const market of Object.keys(people))
      expect(again.recommend({ market, user: 'u00', k: 10 })).toEqual(
        recommender.recommend({ market, user: 'u00', k: 10 }),
      );
  });

  test('1, 2 and 3 threads train the same bytes', async () => {
    const bytes = encodeModel(await trained);
    for (const threads of [1, 2, 3])
      expect(encodeModel(await train(markets, { ...options, workers: nodeWorkers, threads })), `${threads}`).toEqual(
        bytes,
      );
  });

  test('a recommender gives its memory back, and says as its kind does whether it folds in and explains', async () => {
    const kernels = await rawKernels();
    const used = kernels.memory.used;
    const scorer = kind.scorer(await trained, kernels);
    expect(kernels.memory.used).toBeGreaterThan(used);
    expect(scorer.foldsIn).toBe(kind.foldsIn);
    if (kind.explains) expect(scorer.explain).toBeDefined();
    scorer.close();
    expect(kernels.memory.used).toBe(used);
  });

  test('a loader of its kind alone opens it, one of the others refuses it', async () => {
    const bytes = encodeModel(await trained);
    expect((await loadModelOf([kind], bytes)).markets).toEqual(['black', 'white']);
    const others = SERVED_KINDS.filter(({ name }) => name !== kind.name);
    await expect(loadModelOf(others, bytes)).rejects.toThrow(ModelFileError);
  });

  test('training gives its memory back, and its stages have names and ids of their own', async () => {
    const kernels = await rawKernels();
    const used = kernels.memory.used;
    const reports: { stage: string; id: string; market?: string }[] = [];
    const stages = new StageRunner(async () => kernels, { onStage: (report) => reports.push(report) });
    await kind.train(markets, kind.resolve(given), { run: stages.run, kernels: stages.kernels, updatable: false });
    expect(kernels.memory.used).toBe(used);
    expect(new Set(reports.map(({ stage }) => stage)).size).toBe(reports.length);
    expect(new Set(reports.map(({ id, market }) => `${id} ${market}`)).size).toBe(reports.length);
    for (const { id } of reports) expect(id).toMatch(/^[a-z0-9-]+$/);
  });

  test('further interactions are taken, or refused by a typed error', async () => {
    const more: Markets = {
      items,
      markets: [{ ...marketOf('white'), users: people.white.map(({ id }) => `new ${id}`) }],
    };
    const base: Model | ArgumentError = await train(markets, { ...options, updatable: true }).catch((error) => error);
    if (base instanceof Error) {
      expect(base).toBeInstanceOf(ArgumentError);
      await expect(update(await trained, more)).rejects.toBeInstanceOf(ArgumentError);
      return;
    }
    const { model, added } = await update(base, more);
    expect(added.users).toBe(people.white.length);
    const recommender = await loadModel(encodeModel(model));
    const person = people.white[0];
    expect(topOf(recommender, 'white', { user: `new ${person.id}` })).toBe(answerOf(person));
  });
});
