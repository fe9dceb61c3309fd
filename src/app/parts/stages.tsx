// The stages of a training while it runs: how far, how long, how much memory, and the loss.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { bytes, duration, marketName, percent, texts } from '../format.ts';
import type { TrainProgress } from '../worker/api.ts';
import { LossLine } from './charts.tsx';

export interface Stage {
  name: string;
  done: number;
  total: number;
  losses: readonly number[];
  /** When it began, and the last report of it came, by `performance.now()`. */
  since: number;
  last: number;
  peakBytes: number;
}

/** A stage in the page's language; one that it does not know as the library calls it. */
function nameOf({ stage, id = '', market }: TrainProgress): string {
  const t = texts.value.train;
  const known = t.stages[id.split('.')[0] as keyof typeof t.stages];
  if (known === undefined) return stage;
  return market === undefined ? known : t.stageOf(known, marketName(market));
}

/** A report of progress belongs to the last stage, if that has its name (parts of a stage share one); else it begins another. */
export function follow(stages: readonly Stage[], progress: TrainProgress): readonly Stage[] {
  const { done, total, loss, peakBytes } = progress;
  const name = nameOf(progress);
  const last = stages[stages.length - 1];
  const isSame = last?.name === name;
  const now = performance.now();
  const losses = isSame ? last.losses : [];
  return [
    ...(isSame ? stages.slice(0, -1) : stages),
    {
      name,
      done,
      total,
      losses: loss === undefined ? losses : thinned([...losses, loss]),
      since: isSame ? last.since : now,
      last: now,
      peakBytes,
    },
  ];
}

/** More than a line can show. */
const MOST_LOSSES = 300;

/** Every second of too many. */
const thinned = (losses: readonly number[]) =>
  losses.length > MOST_LOSSES ? losses.filter((_, i) => i % 2 === 0) : losses;

const share = ({ done, total }: Stage) => (total > 0 ? done / total : 0);
/** A guess from less would jump. */
const LEAST_SHARE = 0.05;

function secondsLeft(stage: Stage): number | undefined {
  if (share(stage) < LEAST_SHARE) return undefined;
  return ((stage.last - stage.since) / 1000) * (1 / share(stage) - 1);
}

export function Stages({ stages, since }: { stages: readonly Stage[]; since: number }) {
  const t = texts.value.train;
  const elapsed = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => {
      elapsed.value = (performance.now() - since) / 1000;
    }, 1000);
    return () => clearInterval(timer);
  }, [since]);
  const now = stages[stages.length - 1];
  if (!now) return <p role="status">{texts.value.starting}</p>;
  const left = secondsLeft(now);
  return (
    <section class="card">
      <ol class="stages">
        {stages.map((stage, i) => (
          <li key={`${i} ${stage.name}`}>
            <span>{stage.name}</span>
            <progress
              value={share(stage)}
              max={1}
              aria-label={stage.name}
              aria-valuetext={`${t.stage(i + 1, stage.name)}, ${percent(share(stage))}`}
            />
            <span class="number">{percent(share(stage))}</span>
          </li>
        ))}
      </ol>
      <p class="hint">
        {t.elapsed(duration(elapsed.value))}
        {left !== undefined && ` · ${t.left(duration(left))}`}
        {now.peakBytes > 0 && ` · ${t.memory(bytes(now.peakBytes))}`}
      </p>
      <p class="sr" role="status">
        {t.stage(stages.length, now.name)}
      </p>
      {now.losses.length > 1 && <LossLine title={t.lossOf(now.name)} losses={now.losses} />}
    </section>
  );
}
