// Tables of results as text: CSV, TSV and JSON lines, in pieces, or a part of the rows without their header.
import type { Batch, Cell, Sink, TableKind, TableWriter } from './table-kind.ts';

/** How tables are written to files of an ending. */
export interface TableFormat {
  open(kind: TableKind, sink: Sink): TableWriter;
  /** Whether the file with this start and end is a table of this kind. */
  isOurs(kind: TableKind, start: Buffer, end: Buffer): boolean;
}

/** By the ending of the file. */
export const TEXT_FORMATS: Readonly<Record<'.csv' | '.tsv' | '.jsonl', TableFormat>> = {
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
};

/** What stands before the rows. */
export async function headerText(kind: TableKind, ending: keyof typeof TEXT_FORMATS): Promise<string> {
  return tableText(
    kind,
    ending,
    kind.columns.map(() => []),
  );
}

/** The whole table. */
export async function tableText(kind: TableKind, ending: keyof typeof TEXT_FORMATS, rows: Batch): Promise<string> {
  let text = '';
  const writer = TEXT_FORMATS[ending].open(kind, async (piece) => {
    text += piece;
  });
  await writer.write(rows);
  await writer.finish();
  return text;
}

function delimited(delimiter: string): TableFormat {
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
