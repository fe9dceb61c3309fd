#!/usr/bin/env node
// Starts the command line. Every failure, also while it loads, is one line on stderr, never a stack trace.
import { readFileSync } from 'node:fs';

const OLDEST_NODE = 20;

function fail(error: unknown): never {
  // Not by `writeLine`: this must work even if nothing else does.
  const line = String(error)
    .split('\n')[0]
    .replace(/\p{Cc}/gu, '?');
  process.stderr.write(`m3rec: unexpected failure: ${line}\n`);
  process.exit(1);
}

process.on('uncaughtException', fail);
// Node loads its HTTP client as soon as code names Response, and fails to if memory is short. Only `serve` needs it.
process.on('unhandledRejection', (error) => {
  if (!(error instanceof Error && error.stack?.includes('node:internal/deps/undici'))) fail(error);
});
const { node } = process.versions;
if (Number.parseInt(node, 10) < OLDEST_NODE) {
  process.stderr.write(`m3rec: Node ${OLDEST_NODE} or later is needed; this is Node ${node}\n`);
  process.exit(1);
}
const { run } = await import('./run.ts').catch(fail);
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
process.exitCode = await run(process.argv, version);
