import { printable } from '../common/printable.ts';
import { formatBytes } from '../engine/memory.ts';
import type { StageReport } from '../engine/stage.ts';
import { formatJson, outliveReader, write } from './output.ts';
import type { ProgressView } from './progress.ts';

/** The stages of a long command on stdout: a line each as they finish, or all of them at the end as JSON. */
export class StageTable {
  private readonly started = performance.now();
  readonly stages: StageReport[] = [];
  /** From the start to `finish`. */
  seconds = 0;
  private headed = false;

  constructor(
    private readonly view: ProgressView,
    private readonly json: boolean | undefined,
  ) {
    outliveReader();
  }

  readonly onStage = (report: StageReport): void => {
    this.view.clear();
    this.stages.push(report);
    if (this.json) return;
    const { stage, seconds, loss, peakBytes, detail } = report;
    // The stages go on meanwhile. stdout keeps the order, and `finish` reports a failure.
    write(
      this.line(
        printable(stage),
        seconds.toFixed(2),
        loss === undefined ? '' : loss.toPrecision(5),
        formatBytes(peakBytes),
        printable(detail),
      ),
    ).catch(() => {});
  };

  /** Writes the total time and memory; JSON also has `facts`. */
  async finish(facts: Record<string, unknown>): Promise<void> {
    this.view.clear();
    this.seconds = (performance.now() - this.started) / 1000;
    const { seconds } = this;
    const peakBytes = this.stages.reduce((peak, stage) => Math.max(peak, stage.peakBytes), 0);
    if (this.json) await write(formatJson({ ...facts, seconds, peakBytes, stages: this.stages }));
    else await write(this.line('all', seconds.toFixed(2), '', formatBytes(peakBytes), ''));
  }

  /** The header is written with the first line, so that a command that fails at once prints nothing. */
  private line(...cells: [stage: string, seconds: string, loss: string, peak: string, detail: string]): string {
    const format = ([stage, seconds, loss, peak, detail]: typeof cells) =>
      `${[stage.padEnd(28), seconds.padStart(8), loss.padStart(10), peak.padStart(10), ` ${detail}`].join(' ').trimEnd()}\n`;
    const header = this.headed ? '' : format(['stage', 'seconds', 'loss', 'peak', '']);
    this.headed = true;
    return header + format(cells);
  }
}
