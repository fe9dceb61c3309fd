// kernels.wasm with one more function, `run`, that makes the calls of a kernel script: for engines that can do no more
// than run an export without arguments. The code section's kernels are those of the binary, byte for byte; its memory
// is its own instead of imported, since such an engine has nobody to hand it one.

const SECTION = { type: 1, import: 2, function: 3, memory: 5, export: 7, code: 10, data: 11 };
const TYPES = { 127: 'i32', 125: 'f32', 124: 'f64' };
const PAGE = 65_536;

/**
 * @param {Uint8Array} bytes of kernels.wasm @param {ReturnType<typeof import('./kernel-script.mjs').kernelScript>}
 * script
 */
export function addDriver(bytes, script) {
  const sections = readSections(bytes);
  const types = readTypes(sections.get(SECTION.type));
  const functions = readVector(sections.get(SECTION.function), (reader) => types[reader.unsigned()]);
  const exported = new Map(
    readVector(sections.get(SECTION.export), (reader) => [
      reader.name(),
      { kind: reader.byte(), index: reader.unsigned() },
    ]),
  );
  const imports = readVector(
    sections.get(SECTION.import),
    (reader) => `${reader.name()}.${reader.name()} ${reader.limits()}`,
  );
  if (imports.length !== 1 || !imports[0].startsWith('env.memory '))
    throw new Error(`the kernels import ${imports.join(', ')}, expected their memory alone`);

  const body = [0];
  for (const { kernel, args, result } of script.calls) {
    const { kind, index } = exported.get(kernel) ?? {};
    if (kind !== 0) throw new Error(`the kernels export no function ${kernel}`);
    const { parameters, results } = functions[index];
    if (parameters.length !== args.length || results[0] !== (result?.type ?? results[0]))
      throw new Error(
        `${kernel} takes ${parameters}, returns ${results}; the script gives ${args.length} arguments and expects ${result?.type}`,
      );
    if (result) body.push(...constant('i32', result.address));
    for (const [i, type] of parameters.entries()) body.push(...constant(type, args[i]));
    body.push(0x10, ...unsigned(index));
    if (result) body.push(...{ i32: [0x36, 2], f32: [0x38, 2], f64: [0x39, 3] }[result.type], 0);
    else if (results.length > 0) body.push(0x1a);
  }
  body.push(0x0b);

  const pages = Math.ceil((script.base + script.bytes) / PAGE);
  const data = script.inputs.map(({ address, bytes: input }) => [
    0,
    ...constant('i32', address),
    0x0b,
    ...unsigned(input.length),
    ...input,
  ]);
  sections.set(SECTION.type, appended(sections.get(SECTION.type), [0x60, 0, 0]));
  sections.delete(SECTION.import);
  sections.set(SECTION.function, appended(sections.get(SECTION.function), unsigned(types.length)));
  sections.set(SECTION.memory, Uint8Array.from([1, 0, ...unsigned(pages)]));
  sections.set(
    SECTION.export,
    appended(sections.get(SECTION.export), [3, ...new TextEncoder().encode('run'), 0, ...unsigned(functions.length)]),
  );
  sections.set(SECTION.code, appended(sections.get(SECTION.code), [...unsigned(body.length), ...body]));
  sections.set(SECTION.data, Uint8Array.from([...unsigned(data.length), ...data.flat()]));
  const ids = [...sections.keys()].sort((a, b) => a - b);
  return Uint8Array.from([
    ...bytes.subarray(0, 8),
    ...ids.flatMap((id) => [id, ...unsigned(sections.get(id).length), ...sections.get(id)]),
  ]);
}

class Reader {
  at = 0;
  constructor(bytes) {
    this.bytes = bytes;
  }
  byte() {
    return this.bytes[this.at++];
  }
  unsigned() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  name() {
    return new TextDecoder().decode(this.take(this.unsigned()));
  }
  /** Of an imported memory. */
  limits() {
    const [kind, flags] = [this.byte(), this.byte()];
    return `${kind}: ${this.unsigned()} to ${flags & 1 ? this.unsigned() : 'any'} pages`;
  }
}

/** Known sections by their id; custom ones are left out. */
function readSections(bytes) {
  const reader = new Reader(bytes);
  reader.at = 8;
  const sections = new Map();
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const content = reader.take(reader.unsigned());
    if (id !== 0) sections.set(id, content);
  }
  return sections;
}

function readVector(section, read) {
  const reader = new Reader(section);
  return Array.from({ length: reader.unsigned() }, () => read(reader));
}

function readTypes(section) {
  return readVector(section, (reader) => {
    const form = reader.byte();
    if (form !== 0x60) throw new Error(`a type of form ${form}, expected a function`);
    const list = () => Array.from(reader.take(reader.unsigned()), (type) => TYPES[type]);
    return { parameters: list(), results: list() };
  });
}

/** A vector section with one more entry. */
function appended(section, entry) {
  const reader = new Reader(section);
  const count = reader.unsigned();
  return Uint8Array.from([...unsigned(count + 1), ...section.subarray(reader.at), ...entry]);
}

function unsigned(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

function signed(value) {
  const bytes = [];
  for (;;) {
    const low = value & 127;
    value >>= 7;
    if ((value === 0 && low < 64) || (value === -1 && low >= 64)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

/** An instruction that puts a number on the stack. */
function constant(type, value) {
  if (type === 'i32') return [0x41, ...signed(value | 0)];
  const view = new DataView(new ArrayBuffer(8));
  if (type === 'f32') view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return type === 'f32' ? [0x43, ...new Uint8Array(view.buffer, 0, 4)] : [0x44, ...new Uint8Array(view.buffer)];
}
