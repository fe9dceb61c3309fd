import { M3RecError } from '../common/errors.ts';
import { printable, printableJson, printableLines } from '../common/printable.ts';
import { reasonOf } from '../node/system-error.ts';

// Nothing else in the command line writes to stdout or stderr, so that nothing from data reaches a terminal as a
// command.

let outlivesReader = false;

/**
 * Lines on stdout, waiting where its reader is slower; control characters are shown, not sent.
 * @throws M3RecError where it cannot be written, but for a reader that has gone away.
 */
export function write(text: string): Promise<void> {
  return send(printableLines(text));
}

/** Data on stdout, as it is; a terminal is shown its control characters. @throws M3RecError as `write`. */
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
 * `head -1` closes the pipe: that is no failure of ours, and ends the process quietly, unless its work is worth more
 * than its output (`outliveReader`). What stderr cannot take is lost: there is nowhere to say so.
 */
export function quietOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' && !outlivesReader) process.exit(process.exitCode ?? 0);
  });
  process.stderr.on('error', () => {});
}

/** From now on a reader of stdout that goes away does not end the process: a file is being made. */
export function outliveReader(): void {
  outlivesReader = true;
}

/**
 * Columns two spaces apart, those of text (`left`) to the left, numbers to the right. Control characters are shown, not
 * sent.
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  left: readonly number[] = [0],
): string {
  const cells = [header, ...rows.map((row) => row.map((cell) => printable(String(cell))))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
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
