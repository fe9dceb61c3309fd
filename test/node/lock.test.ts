import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockFile } from '../../src/node/lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'shop.m3rec');
const locks = () => readdirSync(folder).map((name) => join(folder, name));
const put = (digits: string, text: string) =>
  writeFileSync(join(folder, `.shop.m3rec.${digits.repeat(12)}.lock`), text);
const me = `${process.pid} ${hostname()}\n`;

test('is held until it is given back, and leaves nothing', async () => {
  const unlock = await lockFile(path);
  const [lock] = locks();
  expect(lock).toMatch(/\.shop\.m3rec\.[0-9a-f]{12}\.lock$/);
  expect(readFileSync(lock, 'utf8')).toBe(`${me}held\n`);
  await expect(lockFile(path)).rejects.toThrow(
    `${path}: another m3rec is writing this file (process ${process.pid} on ${hostname()}); wait for it, or, if it is gone, remove ${lock}`,
  );
  expect(locks()).toEqual([lock]);
  // That of another file is another lock.
  await (await lockFile(join(folder, 'shop')))();
  await unlock();
  await unlock();
  expect(locks()).toEqual([]);
});

test('of processes that are gone is taken over, by one of those who want it', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  for (let round = 0; round < 20; round++) {
    put('0', `${pid} ${hostname()}\nheld\n`);
    put('7', `${pid} ${hostname()}\n`);
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => lockFile(path)));
    const winners = results.filter((result) => result.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    await winners[0].value();
    expect(locks()).toEqual([]);
  }
});

test('of another machine, of a living process, or one that says nothing is left alone', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  for (const text of [`${process.pid} elsewhere\nheld\n`, `${child.pid} ${hostname()}\nheld\n`, '', 'nonsense']) {
    put('0', text);
    await expect(lockFile(path)).rejects.toThrow('another m3rec is writing this file');
    expect(locks().map((lock) => readFileSync(lock, 'utf8'))).toEqual([text]);
  }
  child.kill();
  // One who only tries, with higher digits, gives way or goes on to hold it.
  put('0', '');
  rmSync(locks()[0]);
  put('f', me);
  const waiting = lockFile(path);
  setTimeout(() => rmSync(join(folder, `.shop.m3rec.${'f'.repeat(12)}.lock`)), 200);
  await (await waiting)();
  expect(locks()).toEqual([]);
});
