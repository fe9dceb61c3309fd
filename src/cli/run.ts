import { CommanderError } from 'commander';
import { ArgumentError, M3RecError } from '../common/errors.ts';
import { embeddedKernels } from '../engine/embedded.ts';
import { embedKernels } from '../engine/init.ts';
import { removeLeftovers } from '../node/leftovers.ts';
import { Context, type StopSignal } from './context.ts';
import { quietOnClosedPipe } from './output.ts';
import { makeProgram } from './program.ts';

const FAILED = 1;
const WRONG_USAGE = 2;
const INTERRUPTED = 130;

/** A command is ended by force this long after its own time to end. */
const MARGIN_MS = 300;

/** Runs a command. A failure is one line on stderr. @returns the exit code. @param version of the package */
export async function run(argv: string[], version: string): Promise<number> {
  embedKernels(embeddedKernels);
  const context = new Context(version);
  quietOnClosedPipe();
  listenToSignals(context);
  try {
    await makeProgram(context, version).parseAsync(argv);
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
    // Any other error is a bug, but a stack trace would not help the user.
    context.message(
      error instanceof M3RecError ? error.message : `unexpected failure: ${String(error).split('\n')[0]}`,
    );
    return FAILED;
  } finally {
    await context.close();
  }
}

/** The first signal stops the command, by force if it does not end in time. A second signal exits at once. */
function listenToSignals(context: Context): void {
  const names: StopSignal[] = ['SIGINT', 'SIGTERM'];
  for (const name of names) {
    process.on(name, () => {
      for (const each of names) process.removeAllListeners(each);
      for (const each of names) process.on(each, () => endBySignal(context, each));
      context.stop(name);
      setTimeout(() => {
        context.message('stopped');
        process.exit(INTERRUPTED);
      }, context.graceMs + MARGIN_MS).unref();
    });
  }
}

/**
 * Ends the process by the signal itself. An exit would wait for a read that cannot be stopped, such as of a network
 * file.
 */
function endBySignal(context: Context, name: StopSignal): void {
  context.view.clear();
  removeLeftovers();
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}
