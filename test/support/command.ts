import { type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The built command line in a folder. */
export function commandIn(cwd: string) {
  if (!existsSync(CLI)) throw new Error('dist/cli.js is not there: run `npm run build` first');
  const start = (args: string[], options: SpawnOptions & { node?: string[] } = {}) => {
    const child = spawn(process.execPath, [...(options.node ?? []), CLI, ...args], {
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...options,
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.setEncoding('utf8').on('data', (text) => {
        output[name] += text;
      });
    const outcome = new Promise<Outcome>((resolve) =>
      child.on('close', (code, signal) => resolve({ ...output, code, signal })),
    );
    return { child, outcome };
  };
  /** Runs to the end, with this text on standard input. */
  const runWith = (input: string, ...args: string[]) => {
    const { child, outcome } = start(args);
    // What ends without reading it all is no failure here.
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
    return outcome;
  };
  const run = (...args: string[]) => runWith('', ...args);
  /** Runs what should succeed; returns its stdout. */
  const output = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };
  return { start, run, runWith, output };
}

/** One line, no stack trace, nothing on stdout. */
export function expectFailure(outcome: Outcome, code: number, text: string): void {
  expect(outcome.stderr).toContain(text);
  expect(outcome.stderr).toMatch(/^m3rec: [^\n]+\n$/);
  expect(outcome).toMatchObject({ code, stdout: '' });
}
