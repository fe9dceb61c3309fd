// Columns of a Parquet file, page by page, decoded by hyparquet. Loaded where it is needed. Whatever a file claims is
// checked before the decoder allocates or loops for it.
import { gunzipSync } from 'fflate';
import { decompress as unzstd } from 'fzstd';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { parquetMetadata, parquetSchema } from 'hyparquet/src/metadata.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import type { ColumnDecoder, ColumnMetaData, Compressors, DecodedArray, FileMetaData } from 'hyparquet/src/types.js';
import { DataError, M3RecError } from '../common/errors.ts';
import { checkRuns, checkSnappy, checkThrift } from './parquet-checks.ts';
import type { LayoutOptions, Wanted } from './recognise.ts';
import { namedColumns, textOf } from './row-table.ts';
import type { RandomAccess } from './source.ts';
import { keysOf, type TableSink } from './table-sink.ts';

/** Largest column chunk as it lies in the file, largest page unpacked, most values of a page, largest footer. */
const MAX_CHUNK = 1 << 30;
const MAX_PAGE = 1 << 28;
/** Zstandard, which packs most, repeats a byte 2¹⁷ times by four; small pages may be anything up to this size. */
const MOST_EXPANSION = 1 << 15;
const LEAST_PAGE = 1 << 20;
const MAX_PAGE_VALUES = 1 << 24;
const MAX_FOOTER = 1 << 27;
/** Rows of a file for each of its bytes, beyond 16 Mi rows: more are the same row over and over. */
const MAX_ROWS_PER_BYTE = 200;

/** Every number a chunk has said of itself, as a number. */
interface Chunk {
  meta: ColumnMetaData;
  start: number;
  end: number;
}

/**
 * Streams the rows of a Parquet file. Memory: the packed chunks of the columns that are read, of one row group, and a
 * page of each.
 * @param tick is told how many rows of how many were read.
 * @throws DataError for a file that is damaged, encrypted, packed in a way that is not known, or that claims too much.
 */
export async function readParquet(
  { file, name: fileName, containers }: { file: RandomAccess; name: string; containers: readonly string[] },
  wanted: Wanted,
  options: LayoutOptions,
  sink: TableSink,
  tick: (rows: number, total: number) => Promise<void>,
): Promise<void> {
  const damaged = (error: unknown): Error =>
    error instanceof M3RecError
      ? error
      : new DataError(
          fileName,
          undefined,
          `the Parquet file is damaged or of a kind that is not known (${reasonOf(error)})`,
        );
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw damaged(error);
    }
  };
  const footer = await readFooter(file, fileName);
  const metadata = attempt(() => metadataOf(footer));
  const total = Number(metadata.num_rows);
  if (total > MAX_PAGE_VALUES && total > MAX_ROWS_PER_BYTE * file.byteLength)
    throw new DataError(
      fileName,
      undefined,
      `${total} rows in ${file.byteLength} bytes: more than ${MAX_ROWS_PER_BYTE} rows a byte are not read`,
    );
  const tree = attempt(() => parquetSchema(metadata));
  const names = tree.children
    .filter(({ element, children }) => children.length === 0 && element.repetition_type !== 'REPEATED')
    .map(({ element }) => element.name);
  if (names.some((name) => typeof name !== 'string')) throw damaged(new Error('a column has no name'));
  const { at, columns: found, twice } = namedColumns(names, wanted, options, fileName);
  const keys = keysOf(wanted).filter((key) => at[key] !== undefined);
  const columns = [...new Set(keys.map((key) => at[key]))];
  sink.start(
    {
      file: fileName,
      format: 'parquet',
      containers,
      header: true,
      columns: found,
      twice,
      prelude: 0,
    },
    Object.fromEntries(keys.map((key) => [key, columns.indexOf(at[key])])),
  );

  let row = 0;
  const values = columns.map(() => '');
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    const readers: PageReader[] = [];
    for (const column of columns) {
      const chunk = attempt(() => chunkOf(group.columns, names[column], file.byteLength, fileName));
      const bytes = new Uint8Array(await file.slice(chunk.start, chunk.end));
      readers.push(attempt(() => new PageReader(bytes, chunk.meta, getTreePath(tree, [names[column]]), rows)));
      await readers[readers.length - 1].prepare();
    }
    for (let i = 0; i < rows; i++) {
      let bad: string | undefined;
      for (const [place, reader] of readers.entries()) {
        if (reader.at === reader.page.length) attempt(() => reader.next());
        const value = textOf(reader.page[reader.at++]);
        if (value === undefined) bad = names[columns[place]];
        else values[place] = value;
      }
      row++;
      if (bad !== undefined) sink.bad(`${bad} is not text, a number or a time`, row);
      else sink.row(values, row, true);
      if (row % 4096 === 0) await tick(row, total);
    }
  }
  await tick(row, total);
}

/** What a decoder says of a file; what only tells of its code says nothing to a reader. */
function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return error instanceof TypeError || error instanceof RangeError || /^$|undefined|null/.test(message)
    ? 'its parts do not fit together'
    : message;
}

async function readFooter(file: RandomAccess, fileName: string): Promise<Uint8Array> {
  const short = () => new DataError(fileName, undefined, 'the Parquet file is cut short (it does not end in PAR1)');
  if (file.byteLength < 12) throw short();
  const tail = new DataView(await file.slice(file.byteLength - 8, file.byteLength));
  if (tail.getUint32(4, true) !== 0x31524150) throw short();
  const length = tail.getUint32(0, true);
  if (length > MAX_FOOTER || length > file.byteLength - 12)
    throw new DataError(
      fileName,
      undefined,
      `the Parquet file is damaged (its footer is said to have ${length} bytes)`,
    );
  return new Uint8Array(await file.slice(file.byteLength - 8 - length, file.byteLength));
}

function metadataOf(footer: Uint8Array): FileMetaData {
  checkThrift(footer, 0, footer.length - 8);
  return parquetMetadata(footer, { geoparquet: false });
}

/** The chunk of a column in a row group, its place in the file checked. */
function chunkOf(
  columns: FileMetaData['row_groups'][number]['columns'],
  name: string,
  size: number,
  fileName: string,
): Chunk {
  const column = columns.find(
    ({ meta_data: meta }) => meta?.path_in_schema.length === 1 && meta.path_in_schema[0] === name,
  );
  if (!column?.meta_data || column.crypto_metadata || column.file_path)
    throw new DataError(
      fileName,
      undefined,
      `the Parquet column ${JSON.stringify(name)} is encrypted, or not in this file`,
    );
  const meta = column.meta_data;
  const first = meta.dictionary_page_offset && meta.dictionary_page_offset < meta.data_page_offset;
  const start = Number(first ? meta.dictionary_page_offset : meta.data_page_offset);
  const end = start + Number(meta.total_compressed_size);
  if (!(start >= 4 && end >= start && end <= size) || end - start > MAX_CHUNK)
    throw new Error(`column ${name} is said to have ${end - start} bytes at ${start}`);
  return { meta, start, end };
}

/** What a header says, which may be no number in a damaged file. */
const numberOf = (value: unknown) => (typeof value === 'number' ? value.toLocaleString('en-US') : 'no number of');

/** The values of one column in one row group, a page at a time. */
class PageReader {
  page: DecodedArray = [];
  at = 0;
  private readonly reader: { view: DataView; offset: number };
  private readonly decoder: ColumnDecoder;
  private readonly compressors: Compressors = {
    GZIP: (input, length) => gunzipSync(input, { out: new Uint8Array(length) }),
    ZSTD: (input, length) => unzstd(input, new Uint8Array(length)),
  };
  private dictionary: DecodedArray | undefined;

  /** @param left values that the chunk has to give. */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly meta: ColumnMetaData,
    schemaPath: ColumnDecoder['schemaPath'],
    private left: number,
  ) {
    this.reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
    this.decoder = {
      pathInSchema: meta.path_in_schema,
      element: schemaPath[schemaPath.length - 1].element,
      schemaPath,
      parsers: DEFAULT_PARSERS,
      utf8: true,
      ...meta,
    } as ColumnDecoder;
  }

  /** Loads what unpacks the chunk. */
  async prepare(): Promise<void> {
    const { codec } = this.meta;
    if (codec === 'BROTLI')
      this.compressors.BROTLI = (await import('hyparquet-compressors/src/brotli.js')).decompressBrotli;
    if (codec === 'LZ4' || codec === 'LZ4_RAW') {
      const { decompressLz4, decompressLz4Raw } = await import('hyparquet-compressors/src/lz4.js');
      Object.assign(this.compressors, { LZ4: decompressLz4, LZ4_RAW: decompressLz4Raw });
    }
  }

  /** Decodes the next page with values. */
  next(): void {
    this.at = 0;
    this.page = [];
    while (this.page.length === 0) {
      const { reader, bytes } = this;
      if (this.left <= 0 || reader.offset >= bytes.length) throw new Error('a column has fewer values than rows');
      checkThrift(bytes, reader.offset, bytes.length);
      const header = parquetHeader(reader);
      const size = header.compressed_page_size;
      const unpacked = header.uncompressed_page_size;
      const most = Math.min(MAX_PAGE, LEAST_PAGE + MOST_EXPANSION * size);
      if (!(size >= 0 && size <= bytes.length - reader.offset && unpacked >= 0 && unpacked <= most))
        throw new Error(`a page is said to have ${numberOf(size)} bytes, ${numberOf(unpacked)} unpacked`);
      const values =
        header.data_page_header?.num_values ??
        header.data_page_header_v2?.num_values ??
        header.dictionary_page_header?.num_values ??
        0;
      const isDictionary = header.type === 'DICTIONARY_PAGE';
      if (!(values >= 0 && values <= MAX_PAGE_VALUES && (isDictionary || values <= this.left)))
        throw new Error(`a page is said to have ${numberOf(values)} values`);
      if (header.type === 'INDEX_PAGE') {
        reader.offset += size;
        continue;
      }
      const packed = bytes.subarray(reader.offset, reader.offset + size);
      const page = this.unpack(header, packed);
      if (!isDictionary) checkRuns(header, packed, page, this.decoder);
      const { data } = readPage(
        reader,
        header,
        { ...this.decoder, compressors: { [this.meta.codec]: () => page } },
        this.dictionary,
        undefined,
        0,
      );
      if (isDictionary) this.dictionary = convert(data!, this.decoder);
      else {
        this.page = data ?? [];
        if (this.page.length !== values) throw new Error(`a page has ${this.page.length} values, its header ${values}`);
        this.left -= values;
      }
    }
  }

  /** The page's data; in a page of version 2 the part behind the levels, which are not packed. */
  private unpack(header: ReturnType<typeof parquetHeader>, packed: Uint8Array): Uint8Array {
    const { codec } = this.meta;
    const two = header.type === 'DATA_PAGE_V2' ? header.data_page_header_v2 : undefined;
    const levels = two ? two.repetition_levels_byte_length + two.definition_levels_byte_length : 0;
    if (!(levels >= 0 && levels <= packed.length)) throw new Error('the levels of a page are longer than it');
    const size = header.uncompressed_page_size - levels;
    if (size < 0) throw new Error('the levels of a page are longer than it');
    const data = packed.subarray(levels);
    if (two?.is_compressed === false || size === 0) return data;
    if (codec === 'SNAPPY') checkSnappy(data, size);
    return decompressPage(data, size, codec, this.compressors);
  }
}
