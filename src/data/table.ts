// One way to read tables of any kind: delimited text, JSON, Parquet, and files that published data sets have made their
// own.
import { DataError } from '../common/errors.ts';
import type { Job } from '../common/job.ts';
import { openFile } from './containers.ts';
import { MAX_ROW, TableReader } from './delimited.ts';
import { JsonReader } from './json-rows.ts';
import { HEAD, type LayoutOptions, recognise, type TextForm, type Wanted } from './recognise.ts';
import { recognisedOf } from './recognised.ts';
import { readRowTable } from './row-table.ts';
import { BlockReader, GroupReader, ListReader } from './shapes.ts';
import { isRowTable, PIECE, type RowSource } from './source.ts';
import { keysOf, type TableOptions, type TableSink, type TextReader, type TextSink } from './table-sink.ts';
import { decode } from './text.ts';

/**
 * Streams the rows of a table, holding about 64 KiB of a text (more for a longer row, 1 Mi characters at most).
 * @throws DataError for a file that cannot be read. @throws AbortedError
 */
export async function readTable(
  source: RowSource,
  fileName: string,
  wanted: Wanted,
  options: TableOptions,
  sink: TableSink,
  job: Job,
): Promise<void> {
  if (isRowTable(source))
    return readRowTable(source, fileName, wanted, options, sink, (rows) =>
      job.tick({ stage: `read rows of ${fileName}`, id: 'read' }, rows, 0),
    );
  const opened = await openFile(source, fileName, options);
  const { name } = opened;
  const tick = () => job.tick({ stage: `read ${fileName}`, id: 'read' }, opened.done(), options.totalBytes ?? 0);
  if (opened.kind === 'parquet') {
    const { readParquet } = await import('./parquet.ts');
    const bytes = options.totalBytes ?? 0;
    return readParquet(opened, wanted, options, sink, (rows, total) =>
      job.tick({ stage: `read ${fileName}`, id: 'read' }, Math.round((bytes * rows) / Math.max(1, total)), bytes),
    );
  }
  let pending = '';
  let parseAt = HEAD;
  let reader: TextReader | undefined;
  let dubious = false;
  const read = (last: boolean): void => {
    if (!reader) {
      const begun = begin(pending, last);
      if (!begun) return;
      reader = begun.reader;
      pending = pending.slice(begun.skip);
    }
    pending = pending.slice(reader.read(pending, last));
    if (pending.length > MAX_ROW && !last)
      throw new DataError(name, reader.line, `a row of more than ${MAX_ROW} characters`);
  };
  const begin = (text: string, last: boolean): { reader: TextReader; skip: number } | undefined => {
    // Whatever the pieces, the same characters are looked at: the first 64 Ki, or the first line if it is longer.
    let head = text.slice(0, HEAD);
    if (text.length >= HEAD && !/[\r\n]/.test(head)) {
      const end = text.slice(HEAD).search(/[\r\n]/);
      if (end < 0 && !last) {
        if (text.length > MAX_ROW) throw new DataError(name, 1, `a header of more than ${MAX_ROW} characters`);
        return undefined;
      }
      head = end < 0 ? text : text.slice(0, HEAD + end + 2);
    } else if (text.length < HEAD && !last) return undefined;
    const form = recognise(head, last && head.length === text.length, name, wanted, options);
    const row = (values: readonly string[], line: number, breaks = true) => sink.row(values, line, breaks || dubious);
    const bad = (problem: string, line: number) => sink.bad(problem, line);
    const start = (found: TextForm, slots: Record<string, number>) =>
      sink.start(recognisedOf(name, found, opened.containers, opened.encoding ?? options.encoding), slots);
    return { reader: readerOf(form, head, name, wanted, options, { start, row, bad }), skip: form.skip };
  };

  for await (const piece of decode(opened.pieces, name, opened.encoding ?? options.encoding)) {
    pending += piece.text;
    dubious ||= piece.dubious;
    if (pending.length >= parseAt) {
      read(false);
      parseAt = Math.max(PIECE, 2 * pending.length);
    }
    await tick();
  }
  read(true);
}

function readerOf(
  form: TextForm,
  head: string,
  fileName: string,
  wanted: Wanted,
  options: LayoutOptions,
  sink: TextSink,
): TextReader {
  if (form.kind === 'json') return new JsonReader(form, head, fileName, wanted, options, sink);
  if (form.kind === 'lists') return new ListReader(form, sink);
  if (form.kind === 'groups') return new GroupReader(form, sink);
  if (form.kind === 'blocks') return new BlockReader(form, head, fileName, wanted, options, sink);
  const keys = keysOf(wanted).filter((key) => form.at[key] !== undefined);
  const columns = [...new Set(keys.map((key) => form.at[key]))].sort((a, b) => a - b);
  sink.start(form, Object.fromEntries(keys.map((key) => [key, columns.indexOf(form.at[key])])));
  return new TableReader(form.table, columns, form.line, sink.row, sink.bad);
}
