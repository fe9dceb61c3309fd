// Tables of results as files: CSV, JSON lines or Parquet, in pieces.
import { extname } from 'node:path';
import { ArgumentError } from '../common/errors.ts';
import type { Sink, TableKind, TableWriter } from '../node/table-kind.ts';
import { type TableFormat, TEXT_FORMATS } from '../node/table-text.ts';
import { writeData } from './output.ts';
import type { FileKind, ResultFile } from './result-file.ts';

type Format = TableFormat | ParquetFormat;

interface ParquetFormat extends Omit<TableFormat, 'open'> {
  open(kind: TableKind, sink: Sink): Promise<TableWriter>;
}

const FORMATS: Record<string, Format> = {
  ...TEXT_FORMATS,
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
