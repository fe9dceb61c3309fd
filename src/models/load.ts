import { checkObject } from '../common/errors.ts';
import type { JobOptions } from '../common/job.ts';
import { kernelSource } from '../engine/init.ts';
import { instantiateKernels } from '../engine/instantiate.ts';
import type { KernelSource } from '../engine/source.ts';
import type { Kernels } from '../engine/types.ts';
import { checkModel } from '../model/check.ts';
import { readModel } from '../model/file.ts';
import type { Model } from '../model/model.ts';
import { Recommender as AnyRecommender } from '../recommend/recommender.ts';
import { SERVED_KINDS } from './served.ts';
import type { ServedKind } from './served-kind.ts';
import { type ModelSource, modelBytes } from './source.ts';

/** How a model is loaded. `onProgress` is called with the bytes read, unless `source` is the bytes themselves. */
export interface LoadOptions extends JobOptions {
  /** Where the kernels come from, if not from where `init` says. */
  kernels?: KernelSource;
}

/**
 * Opens a model file and gets it ready to recommend.
 *
 * @param source its bytes, or where they are: a Response, a URL, a stream, or a promise of one of these.
 * @throws ModelFileError for bytes that are not a whole, undamaged model file of a version that this library reads.
 * @throws ArgumentError for an argument of another type, a URL that cannot be fetched, a response that is not ok, and a
 * stream that breaks off.
 * @throws MemoryError if the model does not fit; AbortedError when the signal stops the reading.
 * @example
 * const recommender = await loadModel(await readBytes('shop.m3rec')); // in a page: loadModel('/shop.m3rec')
 * recommender.markets; // → ['de', 'in', 'jp', 'uk', 'us']
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<AnyRecommender> {
  return loadModelOf(SERVED_KINDS, source, options);
}

/**
 * As `loadModel`, for files of these kinds only, so that a page bundles no scorer but theirs.
 *
 * @throws ModelFileError also for a file of another kind.
 * @example
 * const shop = await loadModelOf([SERVED_TRANSFER], await readBytes('shop.m3rec'));
 * shop.markets.length; // → 5
 */
export async function loadModelOf(
  kinds: readonly ServedKind[],
  source: ModelSource,
  options: LoadOptions = {},
): Promise<AnyRecommender> {
  const { kernels, onProgress, signal } = checkObject('options', options) as LoadOptions;
  const bytes = await modelBytes(source, { onProgress, signal });
  const model = readModel(bytes as Uint8Array, kinds);
  return open(model, await instantiateKernels(await kernelSource(kernels)), kinds);
}

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
    return open(model, kernels, SERVED_KINDS);
  }

  /** What `loadModel` returns is one too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof AnyRecommender;
  }
}

/** A recommender of a model that was checked. */
function open(model: Model, kernels: Kernels, kinds: readonly ServedKind[]): AnyRecommender {
  const { scorer } = kinds.find(({ name }) => name === model.kind)!;
  return new AnyRecommender(model, kernels, scorer(model, kernels));
}
