import type { Stage } from '../../engine/stage.ts';
import type { SparseMatrix } from '../../matrix/sparse.ts';
import { rp3beta, rp3betaBytes } from '../../similarity/rp3beta.ts';
import type { Interactions } from '../interactions.ts';

/** W of P3α and RP3β, every entry. */
export function threeSteps(
  options: Readonly<{ alpha: number; beta: number }>,
): Pick<Stage<Interactions, SparseMatrix>, 'bytes' | 'run'> {
  const all = { ...options, threshold: 0 };
  return {
    bytes: ({ X }) => rp3betaBytes(X, all),
    async run({ X, transposed }, context) {
      const value = await rp3beta(context, X, transposed, all);
      return { value, fact: { items: value.rows, entries: value.values.length } };
    },
  };
}
