// Files that are put in their place whole: what is kept of the old one, and what is never replaced.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DataError } from '../../src/common/errors.ts';
import { OutputFile, writeFileAtomically } from '../../src/node/output-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-output-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const bytes = (text: string) => new TextEncoder().encode(text);
const posix = process.platform !== 'win32';

async function refused(path: string, message: RegExp): Promise<void> {
  const before = readdirSync(folder);
  const error: Error = await writeFileAtomically(path, bytes('new')).then(
    () => new Error('written'),
    (thrown) => thrown,
  );
  expect(error.message).toMatch(message);
  expect(error).toBeInstanceOf(DataError);
  expect(readdirSync(folder)).toEqual(before);
}

describe.runIf(posix)('a file that is replaced', () => {
  test('keeps its mode', async () => {
    writeFileSync(at('private'), 'old');
    for (const mode of [0o600, 0o640, 0o664, 0o4755]) {
      chmodSync(at('private'), mode);
      await writeFileAtomically(at('private'), bytes('new'));
      expect([statSync(at('private')).mode & 0o7777, readFileSync(at('private'), 'utf8')]).toEqual([mode, 'new']);
    }
  });

  test.runIf(process.getuid?.() === 0)('keeps its owner and group', async () => {
    writeFileSync(at('owned'), 'old');
    chownSync(at('owned'), 1234, 4321);
    chmodSync(at('owned'), 0o640);
    await writeFileAtomically(at('owned'), bytes('new'));
    const { uid, gid, mode } = statSync(at('owned'));
    expect([uid, gid, mode & 0o7777]).toEqual([1234, 4321, 0o640]);
  });

  test('stays where a link leads', async () => {
    writeFileSync(at('real'), 'old');
    symlinkSync('real', at('link'));
    await writeFileAtomically(at('link'), bytes('new'));
    expect([readlinkSync(at('link')), readFileSync(at('real'), 'utf8')]).toEqual(['real', 'new']);
  });

  test('may have any name that the file system takes', async () => {
    for (const name of ['x'.repeat(255), 'ü'.repeat(127), '🦊'.repeat(63), '-', 'a b\t"c"', '.hidden']) {
      await writeFileAtomically(at(name), bytes('new'));
      await writeFileAtomically(at(name), bytes('newer'));
      expect(readFileSync(at(name), 'utf8')).toBe('newer');
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await refused(at('x'.repeat(256)), /the name is longer than the file system takes/);
  });

  test('is never a folder, a device, a pipe, a socket, read-only, or a link to nothing', async () => {
    mkdirSync(at('folder'));
    symlinkSync('folder', at('link to folder'));
    symlinkSync('nowhere', at('dangling'));
    symlinkSync('/dev/null', at('link to null'));
    execFileSync('mkfifo', [at('pipe')]);
    writeFileSync(at('read-only'), 'old', { mode: 0o444 });
    const server = createServer().listen(at('socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    await refused(at('folder'), /folder: this is a folder; give the name of a file$/);
    await refused(at('link to folder'), /this is a folder; give the name of a file$/);
    await refused(at('dangling'), /this is a broken link; remove it, or give the file that it should lead to$/);
    await refused('/dev/null', /^\/dev\/null: this is a device, pipe or socket; give the name of a regular file$/);
    await refused(at('link to null'), /this is a device/);
    await refused(at('pipe'), /this is a device, pipe or socket/);
    await refused(at('socket'), /this is a device, pipe or socket/);
    await refused(at('read-only'), /the file is read-only; give another name, or make it writable$/);
    await refused(at('none/x'), /no folder .*none$/);
    await refused(at('caf\ufffd'), /the name has bytes that are not UTF-8; give another name$/);
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
    server.close();
  });
});

test('what is written in pieces is there whole once it is committed, and never if it is discarded', async () => {
  writeFileSync(at('pieces'), 'old');
  const file = await OutputFile.create(at('pieces'));
  await file.write('one, ');
  await file.write(bytes('two'));
  expect(readFileSync(at('pieces'), 'utf8')).toBe('old');
  expect(readdirSync(folder).filter((name) => name.startsWith('.pieces.'))).toHaveLength(1);
  await file.commit();
  expect([readFileSync(at('pieces'), 'utf8'), file.size]).toEqual(['one, two', 8]);
  await file.discard();
  const other = await OutputFile.create(at('never'));
  await other.write('half of it');
  await other.discard();
  expect([existsSync(at('never')), readdirSync(folder).some((name) => name.endsWith('.tmp'))]).toEqual([false, false]);
});
