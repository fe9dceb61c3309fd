import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Batch, Column, TableKind, TableWriter } from '../node/table-kind.ts';

/** Rows of a row group, which are held in memory before they are encoded. */
const GROUP_ROWS = 100_000;

const TYPES = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  integer: { type: 'INT32', repetition_type: 'REQUIRED' },
  score: { type: 'FLOAT', repetition_type: 'REQUIRED' },
} as const;

/** Writes Parquet with hyparquet-writer: compressed by Snappy, a row group for every 100,000 rows. */
export function openParquet({ name, columns }: TableKind, sink: (piece: Uint8Array) => Promise<void>): TableWriter {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: [{ name: 'root', num_children: columns.length }, ...columns.map(elementOf)],
    createdBy: 'm3rec',
    kvMetadata: [{ key: 'table', value: `m3rec ${name}` }],
  });
  const flush = async () => {
    const piece = bytes.getBytes();
    if (piece.length > 0) await sink(piece);
    bytes.index = 0;
  };
  let pending: (string | number | undefined)[][] = columns.map(() => []);
  const writeGroup = async () => {
    const rows = pending;
    pending = columns.map(() => []);
    await writer.write({
      columnData: columns.map((column, c) => ({ name: column.name, data: rows[c] })),
      rowGroupSize: GROUP_ROWS,
    });
    await flush();
  };
  return {
    async write(batch: Batch) {
      for (let row = 0; row < batch[0].length; row++) {
        for (let column = 0; column < batch.length; column++) pending[column].push(batch[column][row]);
        if (pending[0].length === GROUP_ROWS) await writeGroup();
      }
    },
    async finish() {
      if (pending[0].length > 0) await writeGroup();
      await writer.finish();
      await flush();
    },
  };
}

const elementOf = ({ name, type }: Column) => ({ name, ...TYPES[type] });
