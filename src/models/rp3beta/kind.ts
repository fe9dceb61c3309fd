import { linearKind } from '../linear-kind.ts';
import { threeSteps } from '../p3alpha/three-steps.ts';
import { RP3BETA_OPTIONS } from './options.ts';
import { rp3beta as served } from './served.ts';

/** RP3β (Paudel et al., 2017): P3α with less of the popular items. */
export const rp3beta = linearKind({
  served,
  title: 'RP3β: random walks of three steps that pass popular items by',
  options: RP3BETA_OPTIONS,
  similarity: ({ alpha, beta }) => threeSteps({ alpha, beta }),
});
