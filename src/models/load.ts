import { checkObject } from '../common/errors.ts';
import type { JobOptions } from '../common/job.ts';
import { kernelSource } from '../engine/init.ts';
import { instantiateKernels } from '../engine/instantiate.ts';
import type { KernelSource } from '../engine/source.ts';
import type { Kernels } from '../engine/types.ts';
import { kindCodeOf, readModel } from '../model/file.ts';
import type { Model } from '../model/model.ts';
import { Recommender } from '../recommend/recommender.ts';
import type { ServedKind } from './served-kind.ts';
import { TERM_KINDS } from './served-terms.ts';
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
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Recommender> {
  return loadFrom(source, options, async (bytes) => {
    const found = kindCodeOf(bytes);
    if (TERM_KINDS.some(({ code }) => code === found)) return TERM_KINDS;
    return [...TERM_KINDS, ...Object.values(await import('./served-networks.ts'))];
  });
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
): Promise<Recommender> {
  return loadFrom(source, options, async () => kinds);
}

/** @param kindsFor those that a file with these bytes may be of */
async function loadFrom(
  source: ModelSource,
  options: LoadOptions,
  kindsFor: (bytes: Uint8Array) => Promise<readonly ServedKind[]>,
): Promise<Recommender> {
  const { kernels, onProgress, signal } = checkObject('options', options) as LoadOptions;
  const bytes = (await modelBytes(source, { onProgress, signal })) as Uint8Array;
  const kinds = await kindsFor(bytes);
  const model = readModel(bytes, kinds);
  return openModel(model, await instantiateKernels(await kernelSource(kernels)), kinds);
}

/** A recommender of a model that was checked. */
export function openModel(model: Model, kernels: Kernels, kinds: readonly ServedKind[]): Recommender {
  const { scorer } = kinds.find(({ name }) => name === model.kind)!;
  return new Recommender(model, kernels, scorer(model, kernels));
}
