import { M3RecError } from '../common/errors.ts';
import { printable, printableJson, printableLines } from '../common/printable.ts';
import { reasonOf } from '../node/system-error.ts';

// Nothing else in the command line writes to stdout or stderr, so that control characters in data never reach a
// terminal.

let outlivesReader = false;

/**
 * Writes lines to stdout and waits for a slower reader. Control characters are escaped.
 * @throws M3RecError if writing fails; a reader that has gone away is no failure.
 */
export function write(text: string): Promise<void> {
  return send(printableLines(text));
}

/** Writes data to stdout unchanged; on a terminal, control characters are escaped. @throws M3RecError as `write`. */
export function writeData(text: string): Promise<void> {
  return send(process.stdout.isTTY ? printableLines(text) : text);
}

/** One line on stderr. */
export function writeLine(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}

async function send(text: string): Promise<void> {
  const error = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) =>
    process.stdout.write(text, resolve),
  );
  if (error && error.code !== 'EPIPE') throw new M3RecError(`stdout: ${reasonOf(error.code ?? error.message)}`);
}

/**
 * `head -1` closes the pipe. That is not an error: it ends the process quietly, unless the process also makes a file
 * (`outliveReader`). A failure to write to stderr is ignored, since there is nowhere to report it.
 */
export function quietOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' && !outlivesReader) process.exit(process.exitCode ?? 0);
  });
  process.stderr.on('error', () => {});
}

/** Call when a file is being made: from now on the process outlives a reader of stdout that goes away. */
export function outliveReader(): void {
  outlivesReader = true;
}

/**
 * Formats a table with columns two spaces apart: text (`left`) aligned left, numbers right. Control characters are
 * escaped.
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  left: readonly number[] = [0],
): string {
  const cells = [header, ...rows.map((row) => row.map((cell) => printable(String(cell))))];
  const widths = header.map((_, column) => cells.reduce((most, row) => Math.max(most, row[column].length), 0));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (left.includes(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

export function formatJson(value: unknown): string {
  return `${printableJson(JSON.stringify(value, null, 2))}\n`;
}

/** 1234567 → "1,234,567". */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 0.1234 → "12.34". */
export function formatPercent(share: number, digits = 2): string {
  return (100 * share).toFixed(digits);
}

/** 1, "line" → "1 line"; 1234, "line" → "1,234 lines". */
export function formatCounted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}
