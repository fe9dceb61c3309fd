// A trial as a work: train a model on data that is named by its digest, rank the held-out rows by every protocol, and
// put the ranks where the digest finds them.
import { M3RecError } from '../common/errors.ts';
import { sha256 } from '../common/sha256.ts';
import type { Markets } from '../data/markets.ts';
import { decodeMarkets } from '../data/markets-codec.ts';
import { withFewerUsers } from '../data/scarce.ts';
import { type Evaluation, evaluate, type MarketEvaluation } from '../evaluate/evaluate.ts';
import type { ListEvaluation } from '../evaluate/lists.ts';
import type { Estimate } from '../evaluate/metrics.ts';
import { asPublished, clean, candidateLists as listsProtocol, type Protocol } from '../evaluate/protocols.ts';
import { encodeModel } from '../models/file.ts';
import { loadModel } from '../models/load.ts';
import { type BlobStore, jsonCodec, readBlob, type WorkContext, type WorkKind } from '../threads/work.ts';
import { type TrainJobOptions, train } from '../train/train.ts';
import { partOf, putRanks, type RankedPart } from './ranks.ts';

/** How a trial ranks; `lists` is the digest of JSON: by market, by user, ids. */
export interface TrialProtocol {
  name: string;
  protocol: 'clean' | 'as-published' | 'lists';
  negatives: number | 'all';
  seed: number;
  repeat: boolean;
  lists?: string;
}

/** All that a trial's result depends on. */
export interface TrialInput {
  /** SHA-256 of the markets. */
  data: string;
  /** Every option with its value, the kind as `model` among them. */
  options: Record<string, unknown>;
  /** The held-out file that chooses the best epoch, where one does. */
  selectBy?: string;
  /** Of the users of each market, the share to train with; all by default. */
  share?: number;
  protocols: TrialProtocol[];
  /** Held-out files to rank. */
  heldOut: string[];
  k: number[];
  groups: boolean;
  lists: number;
}

/** [mean, standard error] */
export type Pair = [number, number];
/** Metrics by name. */
export type Values = Record<string, Pair>;

/** The rows of one market, or a group of them. */
export interface MarketSummary {
  market: string;
  rows: number;
  users: number;
  /** By k. */
  at: Record<string, Values>;
  /** At the first k, by `by/group`. */
  groups?: Record<string, { rows: number; values: Values }>;
  lists?: ListEvaluation[];
}

/** What came out of a trial. */
export interface TrialOutput {
  /** Of the model file. */
  bytes: number;
  digest: string;
  /** What the last stage found: its epochs, the best of them, the loss. */
  facts: Record<string, unknown>;
  /** By protocol, then by held-out file. */
  found: Record<string, Record<string, MarketSummary[]>>;
  /** SHA-256 of the ranks. */
  ranks?: string;
  /** Why there is no result. */
  error?: string;
}

/** The markets of a digest stay decoded while trials on them follow each other. */
let opened: { digest: string; markets: Markets } | undefined;

async function marketsOf(blobs: BlobStore, digest: string): Promise<Markets> {
  if (opened?.digest !== digest) opened = { digest, markets: decodeMarkets(await readBlob(blobs, digest)) };
  return opened.markets;
}

/** One training with its evaluations. A model that refuses the data gives a result with the reason. */
export const trialKind: WorkKind<TrialInput, TrialOutput> = {
  name: 'lab.trial',
  version: 1,
  input: jsonCodec(),
  output: jsonCodec(),
  async run(input, context) {
    try {
      return await runTrial(input, context);
    } catch (error) {
      if (context.signal?.aborted || !(error instanceof M3RecError)) throw error;
      return { bytes: 0, digest: '', facts: {}, found: {}, error: error.message };
    }
  },
};

async function runTrial(input: TrialInput, context: WorkContext): Promise<TrialOutput> {
  const { blobs, threads, signal, onProgress } = context;
  const markets = await marketsOf(blobs, input.data);
  const start = performance.now();
  const before = context.processor?.();
  const model = await train(fewer(markets, input.share), {
    ...(input.options as TrainJobOptions),
    ...threads,
    signal,
    onProgress,
    selectBy: input.selectBy,
  });
  context.measured('training', (performance.now() - start) / 1000);
  if (before !== undefined) context.measured('processor', context.processor!() - before);
  const bytes = encodeModel(model);
  const recommender = await loadModel(bytes);
  const found: TrialOutput['found'] = {};
  const parts: RankedPart[] = [];
  const began = performance.now();
  try {
    for (const settings of input.protocols) {
      const protocol = await protocolOf(settings, blobs);
      found[settings.name] = {};
      for (const [i, heldOut] of input.heldOut.entries()) {
        const last = i === input.heldOut.length - 1;
        const { negatives, seed, repeat } = settings;
        const evaluation = await evaluate(recommender, markets, {
          ...{ signal, onProgress, heldOut, protocol, negatives, seed, repeat, k: input.k, perUser: true },
          // what is recommended is the same whatever was held out
          lists: last && settings === input.protocols[0] ? input.lists : 0,
        });
        found[settings.name][heldOut] = summaryOf(evaluation, input.groups && last);
        for (const { market, perUser } of evaluation.markets)
          parts.push(partOf(settings.name, heldOut, market, perUser!));
      }
    }
  } finally {
    recommender.close();
  }
  context.measured('evaluation', (performance.now() - began) / 1000);
  return {
    bytes: bytes.length,
    digest: await sha256(bytes),
    facts: factsOf(model.training.stages),
    found,
    ranks: await putRanks(blobs, parts),
  };
}

/** The same share of the users of every market. */
function fewer(markets: Markets, share = 1): Markets {
  if (share === 1) return markets;
  return markets.markets.reduce((all, { name }) => withFewerUsers(all, name, share), markets);
}

async function protocolOf({ name, protocol, lists }: TrialProtocol, blobs: BlobStore): Promise<Protocol> {
  if (protocol === 'clean') return clean;
  if (protocol === 'as-published') return asPublished;
  const all = JSON.parse(new TextDecoder().decode(await readBlob(blobs, lists!))) as Record<
    string,
    Record<string, string[]>
  >;
  const byMarket = Object.entries(all).map(([market, users]) => [market, new Map(Object.entries(users))] as const);
  return listsProtocol(Object.fromEntries(byMarket), name);
}

function summaryOf({ markets }: Evaluation, groups: boolean): MarketSummary[] {
  return markets.map((market) => ({
    market: market.market,
    rows: market.rows,
    users: market.users,
    at: Object.fromEntries(market.cutoffs.map(({ k, ...values }) => [String(k), pairsOf(values)])),
    ...(groups && { groups: groupsOf(market) }),
    ...(market.lists && {
      lists: market.lists.map(({ k, users, coverage, popularity, gini }) => ({
        k,
        users,
        coverage: rounded(coverage),
        popularity: rounded(popularity),
        gini: rounded(gini),
      })),
    }),
  }));
}

const groupsOf = ({ groups }: MarketEvaluation) =>
  Object.fromEntries(
    groups.map(({ by, group, rows, cutoffs: [{ k: _, ...values }] }) => [
      `${by}/${group}`,
      { rows, values: pairsOf(values) },
    ]),
  );

const pairsOf = (values: Record<string, Estimate>): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, { mean, standardError }]) => [name, [rounded(mean), rounded(standardError)]]),
  );

/** To a millionth: far below any standard error, and lines stay short. */
const rounded = (value: number) => Math.round(1e6 * value) / 1e6;

const KEPT = ['epochs', 'bestEpoch', 'steps', 'loss'];

/** Numbers that say how the training went, of the last stage that has each. */
function factsOf(stages: unknown): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  for (const stage of Array.isArray(stages) ? (stages as Record<string, unknown>[]) : [])
    for (const name of KEPT) if (typeof stage[name] === 'number') facts[name] = stage[name];
  return facts;
}
