// How a job lets the event loop run, on hosts that differ in what turns it.
import { afterEach, expect, test, vi } from 'vitest';
import { Job, yieldThen } from '../../src/common/job.ts';

afterEach(() => vi.unstubAllGlobals());

const turned = () => new Promise<string>((resolve) => yieldThen(() => resolve('turned')));

test.each<[string, Record<string, unknown>]>([
  ['setImmediate', {}],
  [
    'one that throws, as in the edge runtime of Next',
    {
      setImmediate: () => {
        throw new Error('A Node.js API is used (setImmediate) which is not supported in the Edge Runtime.');
      },
    },
  ],
  [
    'two that throw, as in its later versions',
    {
      setImmediate: () => {
        throw new Error('A Node.js API is used (setImmediate) which is not supported in the Edge Runtime.');
      },
      MessageChannel: class {
        constructor() {
          throw new Error('A Node.js API is used (MessageChannel) which is not supported in the Edge Runtime.');
        }
      },
    },
  ],
  ['messages', { setImmediate: undefined }],
  ['timers', { setImmediate: undefined, MessageChannel: undefined }],
])('by %s', async (_, globals) => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  expect(await turned()).toBe('turned');
});

test.each([
  ['a page', {}, 10],
  ['elsewhere', undefined, 100],
])('on %s after this many ms', async (_, document, most) => {
  vi.stubGlobal('document', document);
  let now = 0;
  vi.stubGlobal('performance', { now: () => now });
  let turns = 0;
  vi.stubGlobal('setImmediate', (callback: () => void) => {
    turns++;
    queueMicrotask(callback);
  });
  const job = new Job();
  now = most;
  await job.tick('step', 1, 2);
  expect(turns).toBe(0);
  now = most + 1;
  await job.tick('step', 2, 2);
  expect(turns).toBe(1);
});
