// The model file: a mutated file is refused with a ModelFileError, or it is the one file of the model in it, which then
// serves.

import { ArgumentError, ModelFileError } from '../../src/common/errors.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import type { Kernels } from '../../src/engine/types.ts';
import type { MarketModel, Model } from '../../src/model/model.ts';
import { decodeModel, encodeModel, inspectModel } from '../../src/models/file.ts';
import type { ModelKind } from '../../src/models/kind.ts';
import { Recommender } from '../../src/models/recommender.ts';
import { KINDS } from '../../src/models/registry.ts';
import { check, type Outcome, type Random, refusal, type Target, within } from './engine.ts';
import { mutate } from './mutate.ts';
import { originalFiles } from './originals.ts';

let originals: Uint8Array<ArrayBuffer>[] = [];
let kernels: Kernels;

export const modelTarget: Target = {
  name: 'model',
  share: 1,
  shrinks: false,
  async prepare() {
    originals = [...(await originalFiles()).values()];
    kernels = await instantiateKernels(embeddedKernels);
  },
  make: (random: Random) => mutate(random, originals),
  run: (input) => within(allowance(input.length), () => runModel(input)),
};

/** What a file of this size may make the library allocate in one piece: views, ids and scores are linear in it. */
function allowance(length: number): number {
  return 65_536 + 16 * length;
}

/** Linear memory that networks score a block of items in, and their products' workspace. */
const NETWORK_ROOM = 16 * 2 ** 20;

async function runModel(input: Uint8Array): Promise<Outcome> {
  let model: Model;
  try {
    model = decodeModel(input);
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    return refusal(error);
  }
  check(Buffer.compare(encodeModel(model), input) === 0, 'an accepted file is not the file of its model');
  const info = inspectModel(input);
  check(
    info.bytes === input.length && info.markets.length === model.markets.length,
    'inspectModel disagrees with decodeModel',
  );
  const before = kernels.memory.used;
  kernels.memory.resetPeak();
  const recommender = Recommender.from(model, kernels);
  try {
    const used = kernels.memory.used;
    for (const market of model.markets) serve(recommender, model, market);
    check(kernels.memory.used === used, 'serving left something behind in linear memory');
    check(
      kernels.memory.peak <=
        allowance(input.length) + 16 * 64 * (1 + model.markets.length) + (model.parameters ? NETWORK_ROOM : 0),
      `${kernels.memory.peak} bytes of linear memory for a file of ${input.length}`,
    );
  } finally {
    recommender.close();
  }
  check(kernels.memory.used === before, 'a closed recommender left something behind in linear memory');
  return { kind: 'accepted' };
}

/**
 * Asks everything that a market can answer; every score must be a number, every list in order and without an item
 * twice.
 */
function serve(recommender: Recommender, model: Model, { name: market, items, users = [] }: MarketModel): void {
  const kind: ModelKind = KINDS.find(({ name }) => name === model.kind)!;
  const ids = Array.from(items, (item) => model.items[item]);
  const unknown = 'no such item';
  const subjects = [
    { items: [] },
    { items: [...ids.slice(0, 3), unknown] },
    { items: ids },
    ...users.slice(0, 2).map((user) => ({ user })),
    ...users.slice(-1).map((user) => ({ user })),
  ];
  for (const subject of subjects) {
    if (!kind.foldsIn && subject.items && subject.items.length > 0) {
      refused(() => recommender.recommend({ market, ...subject }));
      continue;
    }
    const explain = kind.explains || !kind.personal;
    const { items: best } = recommender.recommend({ market, ...subject, k: 5, includeSeen: true, explain });
    check(
      best.length === Math.min(5, ids.length),
      `${best.length} items where ${Math.min(5, ids.length)} were to come`,
    );
    inOrder(best);
    for (const { because = [], own = 0, bias = 0 } of best) {
      check(
        Number.isFinite(own) &&
          Number.isFinite(bias) &&
          because.every(({ contribution }) => Number.isFinite(contribution)),
        'a contribution is not a number',
      );
    }
    const ranked = recommender.rank({ market, ...subject, candidates: [...ids, unknown] });
    check(ranked.length === ids.length + 1 && ranked[ids.length].known === false, 'rank lost a candidate');
    inOrder(ranked);
    for (const [i, { item, score }] of best.entries())
      check(ranked[i].item === item && ranked[i].score === score, `recommend and rank disagree at place ${i}`);
    inOrder(recommender.recommend({ market, ...subject, k: 3, only: ids.slice(1, 4), without: ids.slice(0, 2) }).items);
  }
  for (const item of new Set([ids[0], ids[ids.length - 1]])) {
    if (item === undefined) continue;
    if (model.parameters) refused(() => recommender.similar({ market, item }));
    else inOrder(recommender.similar({ market, item }));
  }
}

/** @throws where a question that a kind has no answer to is answered, or refused by another error. */
function refused(ask: () => unknown): void {
  try {
    ask();
  } catch (error) {
    if (error instanceof ArgumentError) return;
    throw error;
  }
  check(false, 'a question was answered that this kind of model has no answer to');
}

function inOrder(list: readonly { item: string; score: number }[]): void {
  for (const [i, { score }] of list.entries())
    check(
      Number.isFinite(score) && (i === 0 || score <= list[i - 1].score),
      `score ${score} after ${i === 0 ? 'nothing' : list[i - 1].score}`,
    );
  check(new Set(list.map(({ item }) => item)).size === list.length, 'an item comes twice');
}
