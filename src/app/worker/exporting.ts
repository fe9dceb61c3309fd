// Smaller files of the open model, with what each loses on held-out rows.
import type { JobOptions } from '../../common/job.ts';
import type { Markets } from '../../data/markets.ts';
import type { Model } from '../../model/model.ts';
import { exportModel } from '../../models/export.ts';
import { encodeModel } from '../../models/file.ts';
import { loadModel } from '../../models/load.ts';
import type { Recommender } from '../../recommend/recommender.ts';
import type { Variant } from './api.ts';
import { measuredOf, ranksOf } from './measure.ts';

const NEIGHBOURS = 50;
type ExportOptions = NonNullable<Parameters<typeof exportModel>[1]>;

/** What makes a model smaller: only what it has can be left out or narrowed. */
function optionsOf(model: Model): Partial<Record<Variant['id'], ExportOptions>> {
  const vectors: ExportOptions = model.dim > 0 ? { vectors: 'int8' } : {};
  const users: ExportOptions = model.markets.some((market) => market.users) ? { users: false } : {};
  const neighbours: ExportOptions = model.markets.some(({ linear }) => linear) ? { neighbours: NEIGHBOURS } : {};
  return {
    ...(vectors.vectors && { int8: vectors }),
    ...(users.users === false && { visitors: { ...vectors, ...users } }),
    ...(neighbours.neighbours && { pruned: { ...vectors, ...users, ...neighbours } }),
  };
}

/** The options of the smallest file of a model that answers visitors. */
export const smallest = (model: Model): ExportOptions => ({ ...optionsOf(model).pruned, users: false });

export function exported(model: Model, id: Variant['id']): Model {
  const options = optionsOf(model)[id];
  return options === undefined ? model : exportModel(model, options);
}

/** The variants and their sizes. */
export function variantsOf(model: Model): Variant[] {
  const ids = ['whole', ...Object.keys(optionsOf(model))] as Variant['id'][];
  return ids.map((id) => ({ id, bytes: encodeModel(exported(model, id)).length }));
}

/** The same, each with what it loses on the rows that the data hold back. */
export async function measuredVariants(
  recommender: Recommender,
  markets: Markets,
  job: JobOptions,
): Promise<Variant[]> {
  const quality = async (of: Recommender) => {
    const measured = measuredOf(await ranksOf(of, markets, { signal: job.signal }));
    return measured.reduce((sum, { ndcg }) => sum + ndcg, 0) / Math.max(1, measured.length);
  };
  const before = await quality(recommender);
  const variants: Variant[] = [];
  for (const each of variantsOf(recommender.model)) {
    if (each.id === 'whole') {
      variants.push({ ...each, loss: 0 });
      continue;
    }
    const smaller = await loadModel(encodeModel(exported(recommender.model, each.id)));
    try {
      variants.push({ ...each, loss: 100 * (before - (await quality(smaller))) });
    } finally {
      smaller.close();
    }
  }
  return variants;
}
