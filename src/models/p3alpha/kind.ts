import { linearKind } from '../linear-kind.ts';
import { P3ALPHA_OPTIONS } from './options.ts';
import { p3alpha as served } from './served.ts';
import { threeSteps } from './three-steps.ts';

/** P3α (Cooper et al., 2014): where a walk of three steps from the user's items ends. */
export const p3alpha = linearKind({
  served,
  title: 'P3α: random walks of three steps over users and items',
  options: P3ALPHA_OPTIONS,
  similarity: ({ alpha }) => threeSteps({ alpha, beta: 0 }),
});
