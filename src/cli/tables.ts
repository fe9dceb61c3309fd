// Tables of results as files: CSV, JSON lines or Parquet, in pieces.
import { extname } from 'node:path';
import { ArgumentError } from '../common/errors.ts';
import { writeData } from './output.ts';
import type { FileKind, ResultFile } from './result-file.ts';
import type { Batch, Cell, Sink, TableKind, TableWriter } from './table-kind.ts';

interface Format {
  open(kind: TableKind, sink: Sink): TableWriter | Promise<TableWriter>;
  /** Whether the file with this start and end is a table of this kind. */
  isOurs(kind: TableKind, start: Buffer, end: Buffer): boolean;
}

const FORMATS: Record<string, Format> = {
  '.csv': delimited(','),
  '.tsv': delimited('\t'),
  '.jsonl': {
    open: jsonLines,
    isOurs: ({ columns }, start) => {
      try {
        const names = Object.keys(JSON.parse(firstLine(start)));
        return (
          names.every((name) => columns.some((column) => column.name === name)) &&
          columns.every(({ name, type }) => type === 'text' || names.includes(name))
        );
      } catch {
        return false;
      }
    },
  },
  '.parquet': {
    open: async (kind, sink) => (await import('./parquet.ts')).openParquet(kind, sink),
    isOurs: ({ name }, start, end) =>
      start.subarray(0, 4).toString() === 'PAR1' && end.includes(`m3rec ${name}`) && end.includes('m3rec'),
  },
};

/** The format for a file's ending. @throws ArgumentError for another ending. */
function formatOf(option: string, path: string): Format {
  const format = FORMATS[extname(path).toLowerCase()];
  if (!format)
    throw ArgumentError.because(option, `${JSON.stringify(path)} should end in ${Object.keys(FORMATS).join(', ')}`);
  return format;
}

/** For `context.openResult`. @throws ArgumentError for an ending that names no format. */
export function tableFile(option: string, path: string, kind: TableKind): FileKind {
  const format = formatOf(option, path);
  return { what: `a table of ${kind.name} by m3rec`, isOurs: (start, end) => format.isOurs(kind, start, end) };
}

export async function openTable(result: ResultFile, kind: TableKind): Promise<TableWriter> {
  return formatOf('-o', result.path).open(kind, (piece) => result.write(piece));
}

/** Writes the table to stdout, as CSV or JSON lines. */
export async function printTable(kind: TableKind, json: boolean | undefined): Promise<TableWriter> {
  return FORMATS[json ? '.jsonl' : '.csv'].open(kind, (piece) => writeData(piece as string));
}

function delimited(delimiter: string): Format {
  const special = new RegExp(`["\\r\\n${delimiter}]`);
  const field = (cell: Cell) => {
    if (cell === undefined) return '';
    const text = String(cell);
    return special.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const headerOf = ({ columns }: TableKind) => columns.map(({ name }) => name).join(delimiter);
  return {
    open: (kind, sink) => {
      let header = `${headerOf(kind)}\n`;
      const flush = async (text: string) => {
        const piece = header + text;
        header = '';
        if (piece !== '') await sink(piece);
      };
      return {
        write: (batch) =>
          inPieces(batch, flush, (row) => {
            let line = field(batch[0][row]);
            for (let column = 1; column < batch.length; column++) line += delimiter + field(batch[column][row]);
            return `${line}\n`;
          }),
        finish: () => flush(''),
      };
    },
    isOurs: (kind, start) => firstLine(start) === headerOf(kind),
  };
}

function jsonLines({ columns }: TableKind, sink: Sink): TableWriter {
  const names = columns.map(({ name }) => JSON.stringify(name));
  return {
    write: (batch) =>
      inPieces(batch, sink, (row) => {
        const members = names.flatMap((name, column) => {
          const cell = batch[column][row];
          return cell === undefined ? [] : [`${name}:${JSON.stringify(cell)}`];
        });
        return `{${members.join(',')}}\n`;
      }),
    finish: async () => {},
  };
}

/** Number of characters written at a time. */
const PIECE = 1 << 20;

async function inPieces(
  batch: Batch,
  sink: (text: string) => Promise<void>,
  lineOf: (row: number) => string,
): Promise<void> {
  let text = '';
  for (let row = 0; row < batch[0].length; row++) {
    text += lineOf(row);
    if (text.length < PIECE) continue;
    await sink(text);
    text = '';
  }
  if (text !== '') await sink(text);
}

const firstLine = (start: Buffer) => start.toString('utf8').split('\n', 1)[0].replace(/\r$/, '');
