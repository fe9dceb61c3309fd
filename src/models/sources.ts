// What markets take from others, in words.
import type { Source } from '../engine/stage.ts';

/** "s1 (2,109 users, 1,100 items), s2 (…)" */
export function describeSources(sources: readonly Source[]): string {
  const count = (value: number) => value.toLocaleString('en-US');
  return sources
    .map(({ market, users, items }) => `${market} (${count(users)} users, ${count(items)} items)`)
    .join(', ');
}

/** A sentence for each market that a training recorded as taking from others. What is recorded otherwise is left out. */
export function describeTransfer({ stages }: Record<string, unknown>): string[] {
  if (!Array.isArray(stages)) return [];
  return stages.flatMap((stage: unknown) => {
    const { market, sources } = (stage ?? {}) as Record<string, unknown>;
    if (typeof market !== 'string' || !Array.isArray(sources)) return [];
    const known = sources.filter(isSource);
    return known.length > 0 ? [`${market} starts from ${describeSources(known)}.`] : [];
  });
}

function isSource(value: unknown): value is Source {
  const { market, users, items } = (value ?? {}) as Record<string, unknown>;
  return typeof market === 'string' && typeof users === 'number' && typeof items === 'number';
}
