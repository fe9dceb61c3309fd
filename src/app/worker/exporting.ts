// Smaller files of the open model, with what each loses on held-out rows.
import type { JobOptions } from '../../common/job.ts';
import type { Markets } from '../../data/markets.ts';
import { exportModel } from '../../model/export.ts';
import { encodeModel } from '../../model/file.ts';
import type { Model } from '../../model/model.ts';
import { loadModel } from '../../models/load.ts';
import type { Recommender } from '../../recommend/recommender.ts';
import type { Variant } from './api.ts';
import { measuredOf, ranksOf } from './measure.ts';

const OPTIONS: Record<Variant['id'], Parameters<typeof exportModel>[1] | undefined> = {
  whole: undefined,
  int8: { vectors: 'int8' },
  visitors: { vectors: 'int8', users: false },
  pruned: { vectors: 'int8', users: false, neighbours: 50 },
};

export function exported(model: Model, id: Variant['id']): Model {
  const options = OPTIONS[id];
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
  for (const id of Object.keys(OPTIONS) as Variant['id'][]) {
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
