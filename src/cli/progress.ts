import { SingleBar } from 'cli-progress';
import type { Progress } from '../common/job.ts';
import { printable } from '../common/printable.ts';
import { writeLine } from './output.ts';

const SHOW_AFTER_MS = 250;
const LINE_EVERY_MS = 5000;

/** Progress on stderr: a bar per stage on a terminal, else a line every few seconds of a long stage. */
export class ProgressView {
  private stage = '';
  private started = 0;
  private lastLine = 0;
  private bar: SingleBar | undefined;

  readonly onProgress = (progress: Progress): void => {
    const { stage, done, total, loss } = progress;
    const now = performance.now();
    if (stage !== this.stage) {
      this.clear();
      this.stage = stage;
      this.started = now;
      this.lastLine = now;
    }
    if (process.stderr.isTTY) this.draw(progress, now);
    else if (now - this.lastLine >= LINE_EVERY_MS) {
      this.lastLine = now;
      writeLine(
        `${stage}: ${total > 0 ? `${Math.floor((100 * done) / total)} %` : done}${formatLoss(loss)}${formatLeft(progress)}`,
      );
    }
  };

  /** Takes the bar off the terminal, so that other lines can follow. */
  clear(): void {
    this.bar?.stop();
    this.bar = undefined;
    this.stage = '';
  }

  private draw(progress: Progress, now: number): void {
    const { done, total, loss } = progress;
    const rest = `${formatLoss(loss)}${formatLeft(progress)}`;
    const payload = { stage: printable(this.stage).slice(-40).padEnd(24), rest };
    if (!this.bar) {
      // The bar of a very short stage would only flicker.
      if (now - this.started < SHOW_AFTER_MS) return;
      this.bar = new SingleBar({
        format: '{stage} {bar} {percentage} %{rest}',
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: true,
        stopOnComplete: false,
        gracefulExit: false,
        barsize: 30,
      });
      this.bar.start(total || 1, 0, payload);
    }
    this.bar.setTotal(total || Math.max(1, done));
    this.bar.update(Math.min(done, total || done), payload);
  }
}

function formatLoss(loss: number | undefined): string {
  return loss === undefined ? '' : `, loss ${loss.toPrecision(4)}`;
}

/** ", all 43 %, 12 s left" */
function formatLeft({ share, secondsLeft }: Progress): string {
  if (share === undefined) return '';
  const all = `, all ${Math.floor(100 * share)} %`;
  if (secondsLeft === undefined) return all;
  return `${all}, ${secondsLeft < 100 ? `${Math.ceil(secondsLeft)} s` : `${Math.ceil(secondsLeft / 60)} min`} left`;
}
