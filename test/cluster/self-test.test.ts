// What a worker checks before its first job. Renew EXPECTED in src/cluster/self-test.ts by what the first test finds, where
// kernels have changed on purpose: their digest, and so the queue, is another one then.
import { afterAll, expect, it } from 'vitest';
import { EXPECTED, kernelsWork, selfTest } from '../../src/cluster/self-test.ts';
import { Warm } from '../../src/cluster/warm.ts';
import { nodeWorkers } from '../../src/node/threads.ts';

const warm = new Warm();
afterAll(() => warm.close());

it('finds here what it finds on every machine, on one thread and on two', async () => {
  expect(await kernelsWork(warm)).toBe(EXPECTED);
  const two = new Warm({ threads: 2, workers: nodeWorkers });
  expect(await kernelsWork(two)).toBe(EXPECTED);
  await two.close();
  await selfTest(warm);
});

it('refuses a machine that finds something else', async () => {
  const wrong = new Warm();
  const { kernels } = await wrong.context().warm('self-test', () => undefined);
  const { f32 } = kernels.memory;
  // a bit of every eighth float that is read back flips
  kernels.memory.f32 = function (address, length) {
    const view = f32.call(this, address, length);
    if (length > 8) view[8] = -view[8] + 1;
    return view;
  };
  await expect(selfTest(wrong)).rejects.toThrow('so it takes no jobs');
  await wrong.close();
});
