import { gram, gramBytes } from '../../matrix/gram.ts';
import { cosines, jaccards } from '../../similarity/neighbours.ts';
import { linearKind } from '../linear-kind.ts';
import { ITEMKNN_OPTIONS } from './options.ts';
import { itemknn as served } from './served.ts';

/**
 * Items whose users are alike (Sarwar et al., 2001): S_ij = G_ij / (√(G_ii G_jj) + h), or G_ij / (G_ii + G_jj − G_ij +
 * h), G = XᵀX, without the diagonal.
 */
export const itemknn = linearKind({
  served,
  title: 'ItemKNN: items that the same users have',
  options: ITEMKNN_OPTIONS,
  similarity: ({ measure, shrinkage }) => ({
    bytes: ({ X }) => gramBytes(X),
    async run({ X, transposed }, { kernels }) {
      const value = (measure === 'cosine' ? cosines : jaccards)(gram(kernels, X, transposed), shrinkage);
      return { value, fact: { items: value.rows, entries: value.values.length } };
    },
  }),
});
