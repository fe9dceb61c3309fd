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

/** The variants in order of size, each measured where the data hold rows out. */
export async function variantsOf(
  recommender: Recommender,
  markets: Markets | undefined,
  job: JobOptions,
): Promise<Variant[]> {
  const canMeasure = markets?.markets.some(({ heldOut }) => Object.values(heldOut).some((rows) => rows.length > 0));
  const quality = async (of: Recommender) => {
    if (!canMeasure) return undefined;
    const measured = measuredOf(await ranksOf(of, markets!, { signal: job.signal }));
    return measured.length === 0 ? undefined : measured.reduce((sum, { ndcg }) => sum + ndcg, 0) / measured.length;
  };
  const before = await quality(recommender);
  const variants: Variant[] = [];
  for (const id of ['whole', ...Object.keys(optionsOf(recommender.model))] as Variant['id'][]) {
    const bytes = encodeModel(exported(recommender.model, id));
    if (id === 'whole' || before === undefined) {
      variants.push({ id, bytes: bytes.length, ...(before !== undefined && { loss: 0 }) });
      continue;
    }
    const smaller = await loadModel(bytes);
    const after = await quality(smaller);
    smaller.close();
    variants.push({ id, bytes: bytes.length, loss: after === undefined ? undefined : 100 * (before - after) });
  }
  return variants;
}
