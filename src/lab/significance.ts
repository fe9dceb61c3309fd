// Every model of an experiment against one: paired tests by market, corrected for all that are made at once.
import { holm } from '../evaluate/statistics.ts';
import type { BlobStore } from '../threads/work.ts';
import { compareRanks, type PairedDifference } from './compare-ranks.ts';
import { readRanks } from './ranks.ts';
import { type ModelResult, meanFigure, type Results } from './summary.ts';

/** A model against the baseline: baseline's ranks are a, the model's b. */
export interface Tested {
  name: string;
  differences: PairedDifference[];
}

/** The tests of one protocol. */
export interface Significance {
  protocol: string;
  baseline: string;
  tested: Tested[];
}

/** p values below this are called significant. */
export const LEVEL = 0.05;

/**
 * Tests each model against the baseline of the experiment, or the best one, on the rows that are reported, by what the
 * experiment selects by. The p values are corrected by Holm over all models and markets of the protocol.
 *
 * @returns nothing for a protocol for which fewer than two models have their ranks in the store.
 */
export async function significanceOf(results: Results, blobs: BlobStore): Promise<Significance[]> {
  const found: Significance[] = [];
  for (const { name: protocol } of results.experiment.protocols) {
    const ranked: { name: string; ranks: Awaited<ReturnType<typeof readRanks>> }[] = [];
    for (const model of results.models) {
      const digest = model.best.lines[0].ranks;
      const bytes = digest === undefined ? undefined : await blobs.get(digest);
      if (!bytes) continue;
      const parts = await readRanks(blobs, bytes);
      const ranks = parts.filter((part) => part.protocol === protocol && part.heldOut === results.report);
      if (ranks.length > 0) ranked.push({ name: model.name, ranks });
    }
    const baseline = baselineOf(results, protocol);
    const first = ranked.find(({ name }) => name === baseline?.name);
    if (!first || ranked.length < 2) continue;
    const { metric, k } = results.experiment.select;
    const tested = ranked
      .filter((each) => each !== first)
      .map(({ name, ranks }) => ({ name, differences: compareRanks(first.ranks, ranks, { metric, k, draws: 1000 }) }));
    found.push({ protocol, baseline: first.name, tested: corrected(tested) });
  }
  return found;
}

/** The experiment's baseline, or the model with the highest mean of what is selected by, on the rows that report. */
export function baselineOf(results: Results, protocol: string): ModelResult | undefined {
  const { experiment, models, markets, report } = results;
  const named = models.find(({ name }) => name === experiment.baseline);
  if (named) return named;
  const { metric, k } = experiment.select;
  const worth = ({ best }: ModelResult) =>
    meanFigure(best, markets, { protocol, heldOut: report, metric, k })?.mean ?? -1;
  return models.reduce<ModelResult | undefined>((a, b) => (a && worth(a) >= worth(b) ? a : b), undefined);
}

function corrected(tested: readonly Tested[]): Tested[] {
  const all = tested.flatMap(({ differences }) => differences);
  const ts = holm(all.map(({ t }) => t.p));
  const ws = holm(all.map((each) => each.wilcoxon.p));
  let next = 0;
  return tested.map(({ name, differences }) => ({
    name,
    differences: differences.map((each) => {
      const adjusted = { t: ts[next], wilcoxon: ws[next] };
      next++;
      return { ...each, adjusted };
    }),
  }));
}
