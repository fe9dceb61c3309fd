// How stages are run: memory asked for first, progress and notes by name and id, reports, facts.
import { expect, test } from 'vitest';
import type { Progress } from '../../src/common/job.ts';
import { type Stage, type StageContext, type StageReport, StageRunner, stageContext } from '../../src/engine/stage.ts';
import { AbortedError, ArgumentError, MemoryError } from '../../src/index.ts';
import { rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();
const open = async () => kernels;

/** Doubles a number with the memory of `bytes` bytes. */
const double = (
  bytes: number,
  work: (context: StageContext) => Promise<void> = async () => {},
): Stage<number, number> => ({
  name: 'doubling of de',
  id: 'doubling',
  market: 'de',
  bytes: () => bytes,
  async run(input, context) {
    const { memory } = context.kernels;
    const mark = memory.mark();
    memory.allocate(bytes);
    await work(context);
    memory.release(mark);
    return { value: 2 * input, fact: { entries: 1234567, loss: 0.5 }, note: 'by adding' };
  },
});

test('a stage is run, measured and reported; its facts hold no times', async () => {
  const reports: StageReport[] = [];
  const runner = new StageRunner(open, { onStage: (report) => reports.push(report) });
  const used = kernels.memory.used;
  expect(await runner.run(double(64_000), 21)).toBe(42);
  expect(await runner.run(double(640), 1)).toBe(2);
  expect(runner.facts).toEqual(Array(2).fill({ stage: 'doubling of de', entries: 1234567, loss: 0.5 }));
  expect(reports.map(({ seconds, ...rest }) => rest)).toEqual(
    [64_000, 640].map((bytes) => ({
      stage: 'doubling of de',
      id: 'doubling',
      market: 'de',
      loss: 0.5,
      peakBytes: used + bytes,
      detail: '1,234,567 entries; by adding',
    })),
  );
  for (const { seconds } of reports) expect(seconds).toBeGreaterThanOrEqual(0);
});

test('what cannot fit is refused before the stage starts', async () => {
  let started = false;
  const stage = double(5e9, async () => {
    started = true;
  });
  await expect(new StageRunner(open).run(stage, 1)).rejects.toThrow(MemoryError);
  await expect(new StageRunner(open).run(stage, 1)).rejects.toThrow(/^the stage "doubling of de" needs 5\.00 GB /);
  expect(started).toBe(false);
});

test('progress, notes and an abort say which stage and which part of it', async () => {
  const heard: Progress[] = [];
  const notes: string[] = [];
  const controller = new AbortController();
  const runner = new StageRunner(open, {
    onProgress: (progress) => heard.push(progress),
    onNote: (note) => notes.push(note),
    signal: controller.signal,
  });
  const stage = double(64, async (context) => {
    context.note('in one step, as 21 is odd');
    await context.tick(1, 4, 0.25);
    await context.part('last digits').tick(3, 4);
    expect(context.signal).toBe(controller.signal);
    controller.abort();
    await context.tick(4, 4);
  });
  await expect(runner.run(stage, 21)).rejects.toThrow(new AbortedError('doubling of de was stopped at 4 of 4'));
  const left = expect.any(Number);
  expect(heard.slice(0, 2)).toEqual([
    {
      stage: 'doubling of de',
      id: 'doubling',
      market: 'de',
      done: 1,
      total: 4,
      loss: 0.25,
      share: 0.25,
      secondsLeft: left,
    },
    {
      stage: 'doubling of de: last digits',
      id: 'doubling.last-digits',
      market: 'de',
      done: 3,
      total: 4,
      share: 0.53125,
      secondsLeft: left,
    },
  ]);
  expect(notes).toEqual(['doubling of de: in one step, as 21 is odd']);
  expect(runner.facts).toEqual([]);
});

test('a name alone is its own id, and wrong callbacks are refused', () => {
  expect(stageContext(kernels, 'ease')).toMatchObject({ name: 'ease', id: 'ease', signal: undefined });
  for (const wrong of [{ onStage: 1 }, { onNote: 'x' }, { onProgress: {} }, { signal: 1 }])
    expect(() => new StageRunner(open, wrong as never)).toThrow(ArgumentError);
});
