// What every host must compute to the same bits. It takes the package and the inputs from its host and imports nothing
// else than its own list of kernel calls, so that the same file runs in scripts, pages, workers and sandboxes.
import { runKernelScript } from './kernel-script.mjs';

const HISTORIES = 12;
const SMALL = { seed: 3, dim: 32, walks: 2, walkLength: 10, epochs: 2, batch: 256 };
/** A kind of the laboratory for each way of being served, small: similarities, vectors, networks, an autoencoder. */
const STEPS = { dim: 16, epochs: 2, batch: 512 };
const LABORATORY = {
  slim: {},
  ials: { dim: 16, epochs: 2 },
  bitgcf: { ...STEPS, dropout: 0.3, loss: 'cross-entropy' },
  neumf: { ...STEPS, hidden: 32, negatives: 4, pretraining: 'parts' },
  forec: { ...STEPS, hidden: 16, negatives: 4, epochs: 1, metaEpochs: 1, forkEpochs: 1, order: 'second' },
  multvae: { ...STEPS, hidden: 32 },
};
const COLD_STARTS = 5;
/** The stage that an engine without JavaScript can run as well. */
export const KERNELS_ALONE = 'kernels alone';

/**
 * @param {typeof import('../../dist/index.js')} m3rec
 * @param {{ model: Uint8Array, run: string, kernels?: unknown, workers?: object }} inputs a model file, a run file of
 * its second
 * market, where the kernels come from (absent: the package's own bytes), and where threads do (absent: there are none)
 * @param {(stage: string) => void} [onStage] hears what begins
 * @returns {Promise<{ digests: Record<string, string>, threads: { threads: number, reason?: string }, coldStart?:
 * number }>} SHA-256
 * by stage; how many threads trained; the median of milliseconds from nothing to the first recommendation
 */
export async function contract(m3rec, inputs, onStage = () => {}) {
  const digests = {};
  const stage = async (name, work) => {
    onStage(name);
    digests[name] = await sha256(await work());
  };
  onStage('init');
  await m3rec.init(inputs.kernels);
  const first = await coldStart(m3rec, inputs);
  const recommender = await m3rec.loadModel(inputs.model);
  const { items, markets } = recommender.model;
  const histories = ({ items: own }) =>
    Array.from({ length: HISTORIES }, (_, h) =>
      Array.from({ length: h }, (_, i) => items[own[(17 * h + 31 * i) % own.length]]),
    );

  await stage(KERNELS_ALONE, () => runKernelScript(recommender.kernels));
  await stage('load', () => m3rec.encodeModel(recommender.model));
  await stage('fold in', () =>
    bits(
      markets.flatMap((market) =>
        histories(market).map((history) =>
          recommender.recommend({ market: market.name, items: history, explain: true }),
        ),
      ),
    ),
  );
  const everyone = markets.flatMap((market) =>
    market.users.slice(0, 40).map((user) => ({ market: market.name, user, includeSeen: true })),
  );
  const onThreads = inputs.workers ? { workers: inputs.workers, threads: 2 } : {};
  await stage('batch of users', () => bits(recommender.recommendBatch(everyone)));
  await stage('batch of users on threads', async () => {
    const kernels = await m3rec.startThreads(onThreads);
    const answers = await m3rec.Recommender.from(recommender.model, kernels).recommendAll(everyone);
    await kernels.close();
    return bits(answers);
  });
  await stage('similar', () =>
    bits(
      markets.flatMap((market) =>
        [0, 5, 11].map((i) => recommender.similar({ market: market.name, item: items[market.items[i]] })),
      ),
    ),
  );
  await stage('rank', () =>
    bits(
      inputs.run
        .trim()
        .split('\n')
        .map((line) => line.split('\t'))
        .map(([user, candidates]) =>
          recommender.rank({ market: markets[1].name, user, candidates: candidates.split(',') }),
        ),
    ),
  );
  await stage('handler', async () => {
    const handler = m3rec.createHandler(recommender);
    const paths = markets.flatMap(({ name }) => [
      `/v1/${name}/recommend?items=${items[3]},${items[8]}&explain`,
      `/v1/${name}/similar?item=${items[markets[0].items[2]]}`,
      `/v1/${name}/recommend?k=0`,
    ]);
    const answers = [];
    for (const path of paths) {
      const response = await handler(new Request(`http://localhost${path}`));
      answers.push([response.status, response.headers.get('etag'), await response.text()]);
    }
    return bits(answers);
  });

  for (const vectors of ['f16', 'int8']) {
    await stage(`export ${vectors}`, async () => {
      const file = m3rec.encodeModel(
        m3rec.exportModel(recommender.model, { markets: [markets[0].name], users: false, vectors, neighbours: 20 }),
      );
      const small = await m3rec.loadModel(file);
      return bits([
        await sha256(file),
        ...histories(markets[0]).map((history) => small.recommend({ market: markets[0].name, items: history })),
      ]);
    });
  }

  const data = m3rec.assembleGenerated(m3rec.generateMarkets({ seed: 5, users: 900, items: 600, interactions: 8000 }));
  const trainings = {
    paper: { ...SMALL, preset: 'paper' },
    default: {},
    softmax: { ...SMALL, preset: 'softmax' },
    ease: { model: 'ease', updatable: true },
    popularity: { model: 'popularity' },
  };
  const models = {};
  for (const [name, options] of Object.entries(trainings)) {
    await stage(`train ${name}`, async () => {
      models[name] = await m3rec.train(data, options);
      return m3rec.encodeModel(models[name]);
    });
  }
  let threads;
  for (const [name, options] of Object.entries(trainings)) {
    if (name === 'popularity') continue; // counts, without kernels
    await stage(`train ${name} on threads`, async () => {
      return m3rec.encodeModel(
        await m3rec.train(data, { ...options, ...onThreads, onThreads: (found) => (threads = found) }),
      );
    });
  }
  await stage('evaluate', async () => {
    const model = await m3rec.loadModel(m3rec.encodeModel(models.softmax));
    const { heldOut, protocol, negatives, seed, k, unknownMarkets, markets, mean } = await m3rec.evaluate(model, data, {
      negatives: 99,
      seed: 2,
    });
    // What an evaluation had at first, in the same order: the digest holds from version to version.
    const rows = markets.map(({ market, users, coldItems, unknownUsers, mrr, ndcg, hr, mrrStandardError }) => ({
      ...{ market, users, coldItems, unknownUsers, mrr, ndcg, hr, mrrStandardError },
    }));
    return bits({ heldOut, protocol, negatives, seed, k, unknownMarkets, markets: rows, mean });
  });
  await stage('default', async () => {
    const model = await m3rec.loadModel(m3rec.encodeModel(models.default));
    const { mean } = await m3rec.evaluate(model, data, { negatives: 99, seed: 2 });
    const everyone = data.markets.flatMap(({ name, users }) =>
      users.slice(0, 20).map((user) => ({ market: name, user })),
    );
    const explained = everyone.map((query) => model.recommend({ ...query, explain: true }));
    return bits([mean, explained, model.recommendBatch(everyone)]);
  });
  for (const [model, options] of Object.entries(LABORATORY)) {
    await stage(`laboratory: ${model}`, async () => {
      const file = m3rec.encodeModel(await m3rec.train(data, { model, ...options, ...onThreads }));
      const opened = await m3rec.loadModel(file);
      const users = data.markets.flatMap(({ name, users }) =>
        users.slice(0, 5).map((user) => opened.recommend({ market: name, user, k: 5 })),
      );
      return bits([await sha256(file), users]);
    });
  }
  await stage('update', async () => {
    const more = m3rec.assembleGenerated(
      m3rec.generateMarkets({ seed: 6, users: 300, items: 620, interactions: 2000 }),
    );
    return m3rec.encodeModel((await m3rec.update(models.ease, more)).model);
  });
  return { digests, threads, coldStart: first };
}

/**
 * Median milliseconds of instantiating, loading the model and recommending once; undefined where the host's clock
 * stands still.
 */
async function coldStart(m3rec, { model }) {
  const times = [];
  for (let run = 0; run < COLD_STARTS; run++) {
    const begin = performance.now();
    const recommender = await m3rec.loadModel(model);
    const [market] = recommender.model.markets;
    recommender.recommend({ market: market.name, items: [recommender.model.items[market.items[0]]] });
    times.push(performance.now() - begin);
  }
  const median = times.sort((a, b) => a - b)[COLD_STARTS >> 1];
  return median > 0 ? median : undefined;
}

/** A value as text with the exact bits of every number that is no integer, or −0. */
function bits(value) {
  const view = new DataView(new ArrayBuffer(8));
  const text = JSON.stringify(value, (_, each) => {
    if (typeof each !== 'number' || (Number.isInteger(each) && !Object.is(each, -0))) return each;
    view.setFloat64(0, each);
    return `${view.getUint32(0).toString(16)}:${view.getUint32(4).toString(16)}`;
  });
  return new TextEncoder().encode(text);
}

async function sha256(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
