import type { Kernels } from '../engine/types.ts';
import { checkModel } from '../model/check.ts';
import type { Model } from '../model/model.ts';
import { Recommender as AnyRecommender } from '../recommend/recommender.ts';
import { openModel } from './load.ts';
import { SERVED_KINDS } from './served.ts';

/**
 * A model that answers. Its arrays are in linear memory once; each call leaves nothing behind there.
 * @example
 * const { items } = recommender.recommend({ market: 'de', items: ['P1000001', 'P1000093'], k: 1 });
 * items[0].item; // → 'P1000448'
 */
export class Recommender extends AnyRecommender {
  /**
   * Puts a model into the memory of `kernels`; `close` gives that back. Recommenders on one memory are independent of
   * each other.
   *
   * @throws ArgumentError for what is no model.
   * @throws MemoryError if it does not fit; nothing stays behind then.
   * @example
   * const kernels = await startThreads({ workers: nodeWorkers, threads: 2 });
   * const threaded = Recommender.from(decodeModel(bytes), kernels);
   * const answers = await threaded.recommendAll([{ market: 'de', items: ['P1000001'] }]);
   * threaded.close();
   * await kernels.close();
   * answers.length; // → 1
   */
  static from(model: Model, kernels: Kernels): AnyRecommender {
    checkModel(model, SERVED_KINDS);
    return Recommender.ofChecked(model, kernels);
  }

  /** As `from`, for a model that `decodeModel` has just checked. @internal */
  static ofChecked(model: Model, kernels: Kernels): AnyRecommender {
    return openModel(model, kernels, SERVED_KINDS);
  }

  /** What `loadModel` returns is one too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof AnyRecommender;
  }
}
