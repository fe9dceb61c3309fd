// evaluate --scarce: trains again as each model was, with shares of each market's users.
import { InvalidArgumentError } from 'commander';
import type { Markets } from '../data/markets.ts';
import { compare } from '../evaluate/compare.ts';
import type { Cutoff } from '../evaluate/evaluate.ts';
import { evaluateScarce, type ScarceEvaluation, type ScarceOptions } from '../evaluate/gain.ts';
import { type TrainOptions, trainOptionsOf } from '../train/options.ts';
import type { Context } from './context.ts';
import { formatCount, formatJson, formatPercent, formatTable, write } from './output.ts';

export const SHOWN = ['mrr', 'ndcg', 'hr'] as const;

/** Mean and standard error of the metrics shown. */
export const shown = (cutoff: Cutoff) =>
  SHOWN.flatMap((name) => [formatPercent(cutoff[name].mean), formatPercent(cutoff[name].standardError)]);

/** Prints a row for each market and share, and what models differ by. */
export async function runScarce(
  context: Context,
  paths: readonly string[],
  rows: Markets,
  options: Omit<ScarceOptions, 'train'>,
  threads: number | undefined,
  json: boolean | undefined,
): Promise<void> {
  const how = await context.threads(threads, false);
  const models: { model: string; options: TrainOptions; found: ScarceEvaluation[] }[] = [];
  for (const model of paths) {
    const { model: trained } = await context.openRecommender(model);
    const train = trainOptionsOf(trained);
    const found = await evaluateScarce(rows, { ...context.job, ...how, ...options, train });
    context.view.clear();
    models.push({ model, options: train, found });
  }
  const differences = models.slice(1).map(({ model, found }) => ({
    model,
    points: found.map(({ share, users: trainedOn, evaluation }, i) => ({
      share,
      trainedOn,
      ...compare(models[0].found[i].evaluation, evaluation)[0],
    })),
  }));
  if (json) {
    const printed = models.map(({ found, ...model }) => ({
      ...model,
      points: found.map(({ evaluation, ...point }) => {
        const [{ perUser, ...figures }] = evaluation.markets;
        return { ...point, ...figures };
      }),
    }));
    return write(
      formatJson({ models: printed, ...(differences.length > 0 && { differencesFrom: paths[0], differences }) }),
    );
  }
  const several = paths.length > 1;
  const table = models.flatMap(({ model, found }) =>
    found.map(({ market, share, users, evaluation }) => {
      const [{ cutoffs, rows: ranked }] = evaluation.markets;
      const names = [...(several ? [model] : []), market, formatPercent(share, 0), formatCount(users)];
      return [...names, ...shown(cutoffs[0]), formatCount(ranked)];
    }),
  );
  const at = models[0].found[0].evaluation.ks[0];
  const metrics = SHOWN.flatMap((name) => [`${name.toUpperCase()}@${at} %`, '±']);
  const header = [...(several ? ['model'] : []), 'market', 'share %', 'users', ...metrics, 'rows'];
  const tables = [formatTable(header, table, several ? [0, 1] : [0])];
  for (const { model, points } of differences)
    tables.push(
      `MRR of ${model} minus that of ${paths[0]}, points\n${formatTable(
        ['market', 'share %', 'users', 'difference', '±'],
        points.map(({ market, share, trainedOn, difference, standardError }) => [
          market,
          formatPercent(share, 0),
          formatCount(trainedOn),
          formatPercent(difference),
          formatPercent(standardError),
        ]),
      )}`,
    );
  await write(tables.join('\n'));
}

/** "0.1,1" as numbers. @throws InvalidArgumentError for what is no share. */
export function sharesOf(text: string): number[] {
  const shares = text.split(',').map((share) => (share.trim() === '' ? Number.NaN : Number(share)));
  if (!shares.every((share) => share >= 0 && share <= 1))
    throw new InvalidArgumentError('Expected shares from 0 to 1 with commas between them, as 0,0.03,0.1,0.3,1.');
  return shares;
}
