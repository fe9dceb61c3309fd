import { gram, gramBytes } from '../../matrix/gram.ts';
import type { SparseMatrix } from '../../matrix/sparse.ts';
import { easeWithInverse } from '../../similarity/ease.ts';
import { planBytes } from '../../similarity/elimination.ts';
import { linearKind } from '../linear-kind.ts';
import { EDLAE_OPTIONS } from './options.ts';
import { edlae as served } from './served.ts';

/**
 * EDLAE (Steck, 2020), of full rank: EASE with G + Λ in the place of G + λI, Λ = p/(1 − p) · diag(G) + λI. It is what a
 * linear autoencoder learns whose input items are each dropped with probability p.
 */
export const edlae = linearKind({
  served,
  title: 'EDLAE: EASE that is robust to missing items',
  options: EDLAE_OPTIONS,
  similarity: ({ lambdaF: lambda, epsilon, dropout }) => ({
    bytes: ({ X }) => Math.max(gramBytes(X), planBytes(X.cols)),
    async run({ X, transposed }, context) {
      const matrix = withDropout(gram(context.kernels, X, transposed), dropout);
      const { similarity: value, way } = await easeWithInverse(context, matrix, { lambda, epsilon }, false);
      return { value, fact: { items: value.rows, entries: value.values.length }, note: `exact, ${way}` };
    },
  }),
});

/** G with its diagonal divided by 1 − p: G + p/(1 − p) · diag(G). */
function withDropout(gram: SparseMatrix, p: number): SparseMatrix {
  const values = gram.values.slice();
  for (let i = 0; i < gram.rows; i++)
    for (let e = gram.indptr[i]; e < gram.indptr[i + 1]; e++) if (gram.indices[e] === i) values[e] /= 1 - p;
  return { ...gram, values };
}
