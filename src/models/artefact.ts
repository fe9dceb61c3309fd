// What a stage makes, as a file: it can be kept, sent to another machine and gone on from. The container is that of
// models (docs/internals/format.md), with a signature of its own, and a file says by name which artefact it is.
import type { Codec } from '../engine/stage.ts';
import { type Format, fail, Part, readHeader, readSections, WHOLE, writeContainer } from '../model/container.ts';
import { readFields } from '../model/read-fields.ts';
import { type Field, sectionKinds, type Values } from '../model/sections.ts';
import { writeFields } from '../model/write-fields.ts';

const FORMAT: Format = {
  signature: 'M3ART',
  names: { file: 'artefact file', whole: 'artefact', part: 'part' },
  versions: ['anything'],
};

const NAME: Field = { name: 'artefact', type: 'text', sections: { 1: 'artefact' }, use: 'other', required: true };

/** The sizes that the shapes of an artefact are stated in: items, and numbers of a row. */
export interface ArtefactSizes {
  items: number;
  width: number;
}

/** One sort of artefact, by name. */
export interface Artefact<T> {
  name: string;
  /** What its sections hold; code 1 is the name's. */
  fields: readonly Field[];
  sizesOf(value: T): ArtefactSizes;
  /** Its fields; those of the value where they are not told. */
  valuesOf?(value: T): object;
  /** The value from its fields, whose shapes were checked. @throws ModelFileError for what these cannot tell. */
  build(fields: Values, sizes: ArtefactSizes, file: Part): T;
}

/** @example const bytes = codecOf(artefact).encode(value); */
export function codecOf<T extends object>({ name, fields, sizesOf, valuesOf, build }: Artefact<T>): Codec<T> {
  const all = [NAME, ...fields];
  return {
    encode(value) {
      const sizes = sizesOf(value);
      const sections = writeFields(
        all,
        { ...(valuesOf ? valuesOf(value) : value), artefact: name },
        WHOLE,
        { ...sizes },
        name,
      );
      return writeContainer(FORMAT, [0, sizes.items, sizes.width], 0, sections);
    },
    decode(bytes) {
      const header = readHeader(FORMAT, bytes);
      const [zero, items, width] = header.words;
      if (zero !== 0) fail('header', 24, zero, '0');
      if (header.parts !== 0) fail('header', 32, `${header.parts} parts`, '0');
      const file = new Part(header, WHOLE, readSections(header, { whole: sectionKinds(all), part: [] }));
      const { artefact } = readFields([NAME], file, {});
      if (artefact !== name) file.refuse('artefact', JSON.stringify(artefact), JSON.stringify(name));
      return build(readFields(fields, file, { items, width }), { items, width }, file);
    },
  };
}
