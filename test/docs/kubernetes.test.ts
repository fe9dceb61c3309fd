// The manifests of the guide: objects that the types of Kubernetes allow, with options that the command line has.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { commandIn } from '../support/command.ts';
import { plan, workers } from './kubernetes/manifests.ts';
import { readBlocks, replaceBlocks } from './markdown.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = join(root, 'docs/guide/cluster.md');
const MANIFESTS = { 'plan.yaml': plan, 'workers.yaml': workers };

test('are what the types of Kubernetes allow', () => {
  const check = (...args: string[]) =>
    execFileSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--module', 'esnext'].concat([
        '--moduleResolution',
        'bundler',
        '--target',
        'es2022',
        '--types',
        'node',
        '--ignoreConfig',
        ...args,
      ]),
      { cwd: root, stdio: 'pipe', encoding: 'utf8' },
    );
  check('test/docs/kubernetes/manifests.ts');
});

test('are what the guide shows', () => {
  const blocks = () => readBlocks(page).filter(({ language }) => language === 'yaml');
  const textOf = ({ words: [file] }: { words: string[] }) =>
    stringify(MANIFESTS[file.replace('file=', '') as keyof typeof MANIFESTS], { lineWidth: 0 });
  const texts = new Map(blocks().map((block) => [block.line, textOf(block)]));
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, replaceBlocks(page, texts));
  expect(blocks().map(({ words }) => words[0])).toEqual(Object.keys(MANIFESTS).map((name) => `file=${name}`));
  for (const block of blocks()) expect(block.text).toBe(textOf(block));
});

test.each(Object.entries(MANIFESTS))('%s gives m3rec options that it has', async (_, { spec }) => {
  const [{ args = [] }] = spec!.template.spec!.containers;
  const { run } = commandIn(root);
  const [command, ...rest] = args.slice(1);
  const { stdout } = await run(command, ...(command === 'job' ? [rest[0]] : []), '--help');
  for (const flag of args.filter((arg) => arg.startsWith('--'))) expect(stdout).toContain(flag);
});
