import { ArgumentError } from '../../common/errors.ts';
import { decodeModel } from '../../models/file.ts';
import { type ENDINGS, recommendJob, tableJob } from '../jobs/recommend.ts';
import { type Plan, PlanBuilder } from '../plan.ts';
import type { Store } from '../store.ts';

export interface PlanRecommendOptions {
  /** The only market. Default: all. */
  market?: string;
  k: number;
  includeSeen?: boolean;
  /** Of the file: `.csv`, `.tsv` or `.jsonl`. */
  ending: (typeof ENDINGS)[number];
  /** Users whom one job answers. No effect on the bytes. */
  jobUsers?: number;
}

/** Multiplications of a score, a second of one thread. */
const SCORES_A_SECOND = 2.4e8;

/**
 * Cuts a batch for all users into jobs. Their result is, byte for byte, the file of `m3rec recommend --all`.
 * @param model the bytes of a model file
 * @throws ModelFileError for bytes that are no model; ArgumentError for another market, or a model without users.
 */
export async function planRecommend(
  store: Store,
  model: Uint8Array,
  { market: only, k, includeSeen, ending, jobUsers = 4096 }: PlanRecommendOptions,
  build: string,
): Promise<Plan> {
  const { markets } = decodeModel(model);
  if (only !== undefined && !markets.some(({ name }) => name === only))
    throw new ArgumentError('market', only, markets.map(({ name }) => name).join(', '));
  const digest = await store.put(model);
  const plan = new PlanBuilder();
  const parts = markets.flatMap(({ name, users, items }) => {
    if (only !== undefined && name !== only) return [];
    if (!users) throw ArgumentError.because('--all', 'this model was saved without users; give a model with users');
    const count = Math.ceil(users.length / jobUsers);
    return Array.from({ length: count }, (_, part) => {
      const range = [part * jobUsers, Math.min(users.length, (part + 1) * jobUsers)];
      const cost = ((range[1] - range[0]) * items.length) / SCORES_A_SECOND;
      return plan.add(
        recommendJob,
        { market: name, range, k, ending, ...(includeSeen && { includeSeen }) },
        [digest],
        cost,
      );
    });
  });
  plan.add(tableJob, { ending }, parts, 0);
  return plan.finish('recommend', build);
}
