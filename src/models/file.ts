import { describeModel, type ModelInfo, readModel, writeModel } from '../model/file.ts';
import type { Model } from '../model/model.ts';
import { SERVED_KINDS } from './served.ts';

/**
 * The model as one file. The same model gives the same bytes.
 *
 * @throws ArgumentError for ids, names or training values that the file cannot hold.
 * @throws ModelFileError for a model that no loader would accept (shapes that disagree, values that are not finite).
 * @example
 * await writeFileAtomically('shop.m3rec', encodeModel(model));
 */
export function encodeModel(model: Model): Uint8Array<ArrayBuffer> {
  return writeModel(model, SERVED_KINDS);
}

/**
 * The model in a file, every byte of it checked first. Its arrays are views of `bytes`, which must not be changed
 * while the model is in use; bytes that are shared or not 4-byte aligned are copied once.
 *
 * @throws ModelFileError naming section and offset, what was found and what was expected.
 * @throws ArgumentError if `bytes` is neither a Uint8Array nor an ArrayBuffer.
 * @example
 * decodeModel(await readBytes('shop.m3rec')).markets.length; // → 5
 */
export function decodeModel(bytes: Uint8Array | ArrayBuffer): Model {
  return readModel(bytes, SERVED_KINDS);
}

/**
 * What is in a model file, checked as `decodeModel` does and with the same errors.
 *
 * @example
 * const { kind, neighbours } = inspectModel(bytes);
 * [kind, neighbours > 0]; // → ['transfer', true]
 */
export function inspectModel(bytes: Uint8Array | ArrayBuffer): ModelInfo {
  return describeModel(bytes, SERVED_KINDS);
}
