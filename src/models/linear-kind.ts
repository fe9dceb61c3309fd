// Kinds whose scores are sums of similarities of items: they differ in how the similarities are made, and in no more.
import type { Markets } from '../data/markets.ts';
import type { Stage } from '../engine/stage.ts';
import { pruneColumns } from '../matrix/prune.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { tailor } from '../matrix/tailor.ts';
import type { MarketModel } from '../model/model.ts';
import { bothWays, type Interactions, marketBasics, mergeInteractions } from './interactions.ts';
import type { ModelKind, Run } from './kind.ts';
import { givenIn, type OptionTable, type ResolvedValues, resolveTable } from './options.ts';
import type { ServedKind } from './served-kind.ts';
import type { LINEAR_OPTIONS } from './shared-options.ts';
import { belowSimilarities, tieBreaks } from './tie-break.ts';

/** What such a kind says of itself. */
export interface Similarities<Served extends ServedKind, Table extends OptionTable> {
  served: Served;
  /** In one sentence, without its full stop. */
  title: string;
  options: Table;
  /** S (n × n) from X both ways, over the items of all markets or of one. */
  similarity(options: ResolvedValues<Table>): Omit<Stage<Interactions, SparseMatrix>, 'name' | 'id' | 'market'>;
}

type Scope = Pick<typeof LINEAR_OPTIONS, 'scope'> & Partial<Pick<typeof LINEAR_OPTIONS, 'neighbours'>>;

/**
 * A kind whose score of item j for a history x is Σ_{i∈x} S_ij + bias_j. S is that of all markets, of which a market
 * has the rows and columns of its items, or is made for each market; of each column the largest `neighbours` are kept.
 * The bias orders by popularity what nothing in the history speaks for. An update trains again: all is counted and
 * solved.
 */
export function linearKind<const Served extends ServedKind, const Table extends Scope & OptionTable>({
  served,
  title,
  options: table,
  similarity,
}: Similarities<Served, Table>) {
  type Options = ResolvedValues<Table>;
  const resolve = (given: Readonly<Record<string, unknown>>): Options => resolveTable(table, given);

  const stageOf = (options: Options, market?: string): Stage<Interactions, SparseMatrix> => ({
    ...(market === undefined
      ? { name: 'similarity of all markets', id: 'merged-similarity' }
      : { name: `similarity of ${market}`, id: 'market-similarity', market }),
    ...similarity(options),
  });

  async function trainMarkets(data: Markets, options: Options, { run, kernels }: Run): Promise<MarketModel[]> {
    const { scope, neighbours } = options as { scope: 'merged' | 'market'; neighbours?: number };
    const similarityOf = async (stage: Stage<Interactions, SparseMatrix>, interactions: Interactions) => {
      const found = await run(stage, interactions);
      return neighbours ? pruneColumns(await kernels(), found, neighbours) : found;
    };
    const merged =
      scope === 'merged'
        ? await similarityOf(stageOf(options), bothWays(await kernels(), mergeInteractions(data)))
        : undefined;
    const biases = tieBreaks(data);
    const models: MarketModel[] = [];
    for (const [m, market] of data.markets.entries()) {
      const { name, items, interactions } = market;
      const linear = merged
        ? tailor(merged, items)
        : await similarityOf(stageOf(options, name), bothWays(await kernels(), interactions));
      models.push({ ...marketBasics(market), linear, linearWeight: 1, bias: belowSimilarities(biases[m], linear) });
    }
    return models;
  }

  return {
    ...served,
    title,
    personal: true,
    foldsIn: true,
    explains: true,
    options: table,
    resolve,
    train: async (markets, options, run) => ({ markets: await trainMarkets(markets, options, run) }),
    updating: {
      keepsVectors: false,
      checkTraining() {},
      check() {},
      async apply(model, grown, run) {
        return { markets: await trainMarkets(grown, resolve(givenIn(model.training.options)), run), residual: null };
      },
    },
  } as const satisfies ModelKind<Options>;
}
