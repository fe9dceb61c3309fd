// Vectors of items over all markets, as a stage leaves them.
import type { Codec } from '../engine/stage.ts';
import type { Field } from '../model/sections.ts';
import { codecOf } from './artefact.ts';

/** Vectors of items. */
export interface ItemVectors {
  items: number;
  /** d. */
  width: number;
  /** (items × d). */
  vectors: Float32Array;
}

/** Vectors of all items, in every artefact that has them. */
export const VECTORS: Field = {
  name: 'vectors',
  type: 'f32',
  sections: { 2: 'vectors' },
  use: 'vectors',
  rows: 'items',
  cols: 'width',
  required: true,
};

export const itemVectorsArtefact: Codec<ItemVectors> = codecOf({
  name: 'vectors',
  fields: [VECTORS],
  sizesOf: (vectors) => vectors,
  build: ({ vectors }, sizes) => ({ ...sizes, vectors: vectors as Float32Array }),
});

/** The vectors of some items, row by row. */
export function rowsOf({ vectors, width }: Pick<ItemVectors, 'vectors' | 'width'>, items: Int32Array): Float32Array {
  const rows = new Float32Array(items.length * width);
  for (const [row, item] of items.entries()) rows.set(vectors.subarray(item * width, (item + 1) * width), row * width);
  return rows;
}
