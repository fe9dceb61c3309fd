// The contract of a method of recommending. Each kind has its own folder and is named in registry.ts and, without what
// trains it, in served.ts; nowhere else.
import type { Markets } from '../data/markets.ts';
import type { Stage } from '../engine/stage.ts';
import type { Kernels } from '../engine/types.ts';
import type { MarketModel, Model } from '../model/model.ts';
import type { GrownMarkets } from './grow-markets.ts';
import type { OptionTable } from './options.ts';
import type { ServedKind } from './served-kind.ts';

/** What a training or an update works with. */
export interface Run {
  /** Runs a stage: asks for its memory, measures and reports it. */
  run<In, Out>(stage: Stage<In, Out>, input: In): Promise<Out>;
  /** The kernels, opened at the first call or stage: a kind without stages needs none. */
  kernels(): Promise<Kernels>;
}

export interface TrainRun extends Run {
  /** Whether to keep what `update` needs. */
  readonly updatable: boolean;
  /** The held-out file by whose rows a kind that `selects` chooses its best epoch. */
  readonly selectBy?: string;
}

/** What a kind makes of markets: the parts of a Model that are its own. */
export interface TrainedParts {
  /** d; absent in a model without vectors. */
  dim?: number;
  inverse?: Float32Array;
  parameters?: Float32Array;
  /** In the order of the markets that were given. */
  markets: MarketModel[];
}

export interface UpdatedParts extends TrainedParts {
  /** max |C (G + λI) − I| on sampled columns, over all EASE terms; null if there is none. */
  residual: number | null;
}

/** How models of a kind take further interactions. */
export interface Updating<Options> {
  /** Whether vectors stay as training left them, and so grow stale. */
  readonly keepsVectors: boolean;
  /**
   * Asked before a training whose model is to be updatable.
   * @throws ArgumentError if no model of these options could be updated; MemoryError if no file could hold what that
   * needs.
   */
  checkTraining(markets: Markets, options: Options): void;
  /** @throws ArgumentError unless this model has all that an update needs. Users and histories are there. */
  check(model: Model): void;
  /** The model's own interactions and new ones are together in `grown`. The model stays as it is. */
  apply(model: Model, grown: GrownMarkets, run: Run): Promise<UpdatedParts>;
}

/** One method of recommending. */
export interface ModelKind<Options extends object = object> extends ServedKind {
  /** In one sentence, without its full stop. */
  readonly title: string;
  /** Whether answers depend on the history of whom they are for. */
  readonly personal: boolean;
  /** Whether anyone can be answered by a history alone, without being a user of the model. */
  readonly foldsIn: boolean;
  /** Whether a score can be told apart into what each history item adds. */
  readonly explains: boolean;
  /** Whether held-out rows may choose its best epoch. */
  readonly selects?: boolean;
  /** What `resolve` uses. */
  readonly options: OptionTable;
  /**
   * Every option with its value, as the model file records them.
   * @throws ArgumentError naming the option, what was found and what it may be.
   */
  resolve(given: Readonly<Record<string, unknown>>): Options;
  /**
   * About what each stage of a training costs, in their order and in any unit: by it progress tells the share of the whole.
   * Absent: a training is one stage.
   */
  costs?(markets: Markets, options: Options): number[];
  /**
   * Numbers that a model has for each item of each market, in tables of f32 that whoever opens it holds in linear memory.
   * Absent: few.
   */
  columns?(markets: Markets, options: Options): number;
  /** The same markets and options give the same parts, bit for bit, on any number of threads. */
  train(markets: Markets, options: Options, run: TrainRun): Promise<TrainedParts>;
  /** Absent: such models change by training again. */
  readonly updating?: Updating<Options>;
}
