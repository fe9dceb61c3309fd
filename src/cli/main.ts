#!/usr/bin/env node
import { CommanderError } from 'commander';
import { ArgumentError, M3RecError } from '../common/errors.ts';
import { Context } from './context.ts';
import { quietOnClosedPipe } from './output.ts';
import { makeProgram } from './program.ts';

const FAILED = 1;
const WRONG_USAGE = 2;
const INTERRUPTED = 130;

const context = new Context();

/** The exit code; what went wrong is one line on stderr. */
async function main(argv: string[]): Promise<number> {
  try {
    await makeProgram(context).parseAsync(argv);
    return 0;
  } catch (error) {
    context.view.clear();
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    if (context.signal.aborted) {
      context.message('stopped');
      return INTERRUPTED;
    }
    if (error instanceof ArgumentError) {
      context.message(error.message);
      return WRONG_USAGE;
    }
    // Any other error is a fault of ours, but a user is no better off with a stack trace.
    context.message(
      error instanceof M3RecError ? error.message : `unexpected failure: ${String(error).split('\n')[0]}`,
    );
    return FAILED;
  } finally {
    await context.close();
  }
}

quietOnClosedPipe();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // A second signal exits at once.
    if (context.signal.aborted) {
      context.view.clear();
      process.exit(INTERRUPTED);
    }
    context.stop();
  });
}
process.exitCode = await main(process.argv);
