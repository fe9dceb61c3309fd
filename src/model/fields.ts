// The fields of a model, as its file holds them: those of every model, and those of the kinds whose scores are linear
// terms, a cosine and a bias. docs/internals/format.md lists the sections in words.

import type { Format } from './container.ts';
import type { Model } from './model.ts';
import type { Field } from './sections.ts';
import { MAX_FLOAT } from './table.ts';

export const MODEL_FORMAT: Format = {
  signature: 'M3REC',
  names: { file: 'model file', whole: 'model', part: 'market' },
  versions: [
    'anything',
    'a section in f16 or int8',
    'maxima, or items that only other markets have bought',
    'a kind of the laboratory',
  ],
};

/** Longest vector, d. */
export const MAX_DIM = 65_535;

/** A kind of model, as far as files are concerned. */
export interface FileKind {
  /** As `model` names it in options, in `--model`, in /health and in a model. */
  readonly name: string;
  /** In the header; never given to another kind. */
  readonly code: number;
  /** The first format version with this kind; 1 unless given. */
  readonly since?: number;
  /** The fields of each of its markets, besides the basics. */
  readonly fields: readonly Field[];
  /** The fields of the whole model, besides those of every model. */
  readonly whole?: readonly Field[];
  /** What is wrong with a model whose fields are all right by themselves, as "found …"; undefined if nothing is. */
  readonly flaw?: (model: Model) => string | undefined;
}

/** The fields of every model, besides its kind, its dimension and its markets. */
export const WHOLE_FIELDS: readonly Field[] = [
  { name: 'training', type: 'json', sections: { 1: 'training' }, use: 'other', required: true },
  {
    name: 'items',
    type: 'ids',
    sections: { 2: 'item ids', 3: 'item offsets' },
    use: 'items',
    required: true,
    defines: 'all',
  },
  { name: 'inverse', type: 'tiles', sections: { 4: 'inverse' }, use: 'for update', rows: 'all' },
  { name: 'itemData', type: 'texts', sections: { 5: 'item data' }, since: 3, use: 'items', rows: 'all' },
];

/** The fields of the whole of a model of this kind. */
export const wholeFields = ({ whole = [] }: FileKind): readonly Field[] => [...WHOLE_FIELDS, ...whole];

/** What a market of every model has. */
export const BASICS: readonly Field[] = [
  { name: 'name', type: 'text', sections: { 16: 'name' }, use: 'other', required: true },
  {
    name: 'items',
    type: 'positions',
    sections: { 17: 'items' },
    use: 'items',
    cols: 'all',
    required: true,
    defines: 'items',
  },
  { name: 'popularity', type: 'u32', sections: { 18: 'popularity' }, use: 'items', rows: 'items', required: true },
  {
    name: 'users',
    type: 'ids',
    sections: { 26: 'user ids', 27: 'user offsets' },
    use: 'users',
    needs: ['seenItems'],
    defines: 'users',
  },
  {
    name: 'seenItems',
    type: 'pattern',
    sections: { 28: 'histories indptr', 29: 'histories indices' },
    use: 'users',
    rows: 'users',
    cols: 'items',
    needs: ['users'],
  },
  {
    name: 'otherMarkets',
    type: 'ids',
    sections: { 36: 'other markets', 37: 'other market offsets' },
    since: 3,
    use: 'items',
    needs: ['boughtElsewhere'],
    defines: 'otherMarkets',
  },
  {
    name: 'boughtElsewhere',
    type: 'matrix',
    sections: { 38: 'elsewhere indptr', 39: 'elsewhere indices', 40: 'elsewhere counts' },
    since: 3,
    use: 'items',
    rows: 'items',
    cols: 'otherMarkets',
    needs: ['otherMarkets'],
  },
];

/** What a market has whose scores are linear terms, a cosine and a bias, see `Model`. */
export const LINEAR_COSINE: readonly Field[] = [
  {
    name: 'linear',
    type: 'matrix',
    sections: { 19: 'linear indptr', 20: 'linear indices', 21: 'linear values' },
    use: 'similarities',
    rows: 'items',
    cols: 'items',
    definesEntries: 'similarities',
  },
  {
    name: 'foldIn',
    type: 'table',
    sections: { 22: 'history', 32: 'history scales' },
    use: 'vectors',
    rows: 'items',
    cols: 'dim',
    needs: ['vectors'],
  },
  {
    name: 'vectors',
    type: 'table',
    sections: { 23: 'vectors', 33: 'vector scales' },
    use: 'vectors',
    rows: 'items',
    cols: 'dim',
    unit: true,
  },
  { name: 'bias', type: 'f32', sections: { 24: 'bias' }, use: 'items', rows: 'items' },
  {
    name: 'weights',
    type: 'scalars',
    sections: { 25: 'weights' },
    use: 'other',
    required: true,
    scalars: { linearWeight: -MAX_FLOAT, linearPower: 0, cosineWeight: -MAX_FLOAT },
  },
  {
    name: 'userVectors',
    type: 'table',
    sections: { 30: 'user vectors', 34: 'user vector scales' },
    use: 'users',
    rows: 'users',
    cols: 'dim',
    needs: ['users', 'vectors'],
  },
  { name: 'inverse', type: 'tiles', sections: { 31: 'inverse' }, use: 'for update', rows: 'items' },
  {
    name: 'maxima',
    type: 'f32',
    sections: { 35: 'maxima' },
    since: 3,
    use: 'similarities',
    rows: 'similarities',
    needs: ['linear'],
  },
];

/** What a market has whose users' vectors are solved for from their history; see `MarketModel.gram`. */
export const SOLVED_DOT: readonly Field[] = /* @__PURE__ */ LINEAR_COSINE.flatMap(({ needs: _, ...field }): Field[] =>
  ['vectors', 'weights'].includes(field.name) ? [{ ...field, required: true }] : [],
).concat([
  {
    name: 'gram',
    type: 'table',
    sections: { 41: 'fold-in gram', 42: 'fold-in gram scales' },
    since: 4,
    use: 'vectors',
    rows: 'dim',
    cols: 'dim',
    required: true,
  },
  {
    name: 'folding',
    type: 'scalars',
    sections: { 43: 'fold-in weights' },
    since: 4,
    use: 'vectors',
    required: true,
    scalars: { foldRidge: 0, foldUnseen: 0, foldPower: 0 },
  },
]);

/** The kind of that name, which is there. */
export function kindOf(kinds: readonly FileKind[], name: string): FileKind {
  return kinds.find((kind) => kind.name === name)!;
}
