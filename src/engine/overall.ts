import type { Progress } from '../common/job.ts';

/** How far a job of several stages has come. */
export interface Overall {
  /** Of the whole job, from 0 to 1; it never falls. */
  share: number;
  /** About how long it still takes; absent while there is little to tell it from. */
  secondsLeft?: number;
}

/** Shares below this tell nothing of the time that is left. */
const TELLING = 0.02;

/**
 * The share of stages whose costs are guessed before the job starts. A stage counts as its cost, and within it by its own
 * progress; a part of it with progress of its own takes half of what the stage has left.
 */
export class OverallProgress {
  private finished = 0;
  private current = 0;
  /** Of the stage that runs. */
  private fraction = 0;
  private part = { id: '', base: 0 };
  private share = 0;
  private start = performance.now();

  /** @param costs of the stages in their order, in any unit */
  constructor(private readonly costs: readonly number[]) {}

  begin(): void {
    this.current = this.costs[this.finished] ?? 0;
    this.fraction = 0;
    this.part = { id: '', base: 0 };
  }

  end(): void {
    this.fraction = 1;
    this.raise();
    this.finished++;
    this.current = 0;
    this.fraction = 0;
  }

  at({ id, done, total }: Progress, stage: string): Overall {
    const of = total > 0 ? Math.min(1, done / total) : 0;
    if (id === stage) this.fraction = Math.max(this.fraction, of);
    else {
      if (this.part.id !== id) this.part = { id, base: this.fraction };
      this.fraction = Math.max(this.fraction, this.part.base + ((1 - this.part.base) / 2) * of);
    }
    this.raise();
    const seconds = (performance.now() - this.start) / 1000;
    return {
      share: this.share,
      ...(this.share >= TELLING && { secondsLeft: (seconds * (1 - this.share)) / this.share }),
    };
  }

  private raise(): void {
    const sum = (costs: readonly number[]) => costs.reduce((total, cost) => total + cost, 0);
    const done = sum(this.costs.slice(0, this.finished)) + this.current * this.fraction;
    this.share = Math.max(this.share, Math.min(1, done / Math.max(sum(this.costs), Number.MIN_VALUE)));
  }
}
