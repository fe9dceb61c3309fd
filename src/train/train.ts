import { ArgumentError, checkObject, MemoryError } from '../common/errors.ts';
import { checkMarkets, type Markets } from '../data/markets.ts';
import { formatBytes, MAX_BYTES } from '../engine/memory.ts';
import type { Known, StageOptions } from '../engine/stage.ts';
import type { Model } from '../model/model.ts';
import { withElsewhere } from '../models/elsewhere.ts';
import type { ModelKind } from '../models/kind.ts';
import { checkThreads, type ThreadOptions } from '../threads/pool.ts';
import { resolveKind, type TrainOptions } from './options.ts';
import { withStages } from './with-stages.ts';

/** Options of a training: those of the kind of model, and how the job runs. */
export type TrainJobOptions = TrainOptions &
  StageOptions &
  ThreadOptions & {
    /** Keeps what `update` needs, the inverses behind the EASE terms: about 2 n² bytes each. Nothing else differs. */
    updatable?: boolean;
    /**
     * The name of a held-out file (`valid`, `test`) by whose rows a kind that learns by epochs chooses its best one: it
     * then stops when ten epochs have brought nothing. These rows say little about the model afterwards. Default: none,
     * so that all epochs run.
     */
    selectBy?: string;
    /** Values of stages that were made on other machines. @internal */
    known?: Known;
  };

/**
 * Trains a model on all markets together. The same markets, seed and options give the same model, bit for bit, on any
 * number of threads.
 *
 * @throws ArgumentError for an option out of its range; MemoryError, before the work starts, if a stage cannot fit in 4
 * GiB;
 * WorkerError if a thread fails; AbortedError when the signal stops it.
 * @example
 * const model = await train(markets, { seed: 1, epochs: 3, onProgress: ({ stage, done, total }) => {} });
 * model.markets.map(({ name }) => name); // → ['de', 'in', 'jp', 'uk', 'us']
 */
export async function train(markets: Markets, options: TrainJobOptions = {}): Promise<Model> {
  const {
    onProgress,
    signal,
    onStage,
    onNote,
    kernels: source,
    threads,
    workers,
    onThreads,
    updatable = false,
    selectBy,
    known,
    ...given
  } = checkObject('options', options) as TrainJobOptions;
  const { kind, resolved } = resolveKind(given);
  checkThreads({ threads, workers, onThreads });
  checkMarkets(markets);
  if (markets.markets.length === 0) throw ArgumentError.because('markets', 'there are none; at least one is needed');
  if (updatable) {
    if (!kind.updating)
      throw ArgumentError.because(
        'updatable',
        `a ${kind.name} model cannot be updated, only trained again; leave the option out`,
      );
    kind.updating.checkTraining(markets, resolved);
  }
  checkTables(markets, kind.columns?.(markets, resolved) ?? 0);
  if (selectBy !== undefined) checkSelectBy(kind, markets, selectBy);
  return withStages(
    { onProgress, signal, onStage, onNote },
    { kernels: source, threads, workers, onThreads },
    kind.costs?.(markets, resolved),
    async (stages) => {
      const trained = await kind.train(markets, resolved, {
        run: stages.run,
        kernels: stages.kernels,
        updatable,
        selectBy,
      });
      return {
        kind: kind.name,
        dim: 0,
        items: markets.items,
        training: { options: resolved, stages: stages.facts, ...(selectBy !== undefined && { selectBy }) },
        ...trained,
        markets: withElsewhere(markets, trained.markets),
      };
    },
    known,
  );
}

/** Throws unless the tables of a model fit into the memory of whoever opens it: what is written can be opened. */
function checkTables({ markets }: Markets, columns: number): void {
  const rows = markets.reduce((sum, { items }) => sum + items.length, 0);
  const bytes = 4 * columns * rows;
  if (bytes > MAX_BYTES)
    throw new MemoryError(
      `the vectors of a model of these markets take ${formatBytes(bytes)} (${columns} numbers for each of ${rows} items, counted in each market), and a program that opens it has ${formatBytes(MAX_BYTES)}: train with fewer dimensions, or fewer markets together`,
    );
}

/** Throws an ArgumentError unless the kind chooses an epoch by held-out rows, and there are such rows. */
function checkSelectBy({ name, selects }: ModelKind, { markets }: Markets, file: unknown): void {
  if (!selects)
    throw ArgumentError.because('selectBy', `a ${name} model does not learn by epochs to choose from; leave it out`);
  const files = [...new Set(markets.flatMap(({ heldOut }) => Object.keys(heldOut)))];
  if (
    !markets.some(({ heldOut }) => typeof file === 'string' && Object.hasOwn(heldOut, file) && heldOut[file].length > 0)
  )
    throw new ArgumentError(
      'selectBy',
      file,
      files.length > 0 ? `a file of held-out rows: ${files.join(', ')}` : 'data with held-out rows',
    );
}
