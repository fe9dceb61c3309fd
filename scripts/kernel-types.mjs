// What the host must know of the kernels, as TypeScript: their signatures, the constants of assembly/layout.ts and the
// structs. build.mjs writes both texts to src/engine/.

/** A struct is an unmanaged class that extends Struct (assembly/core/struct.ts); every field takes four bytes. */
const STRUCT =
  /((?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?)@unmanaged\nexport class (\w+) extends Struct \{\n([\s\S]*?)\n\}/g;
const FIELD = /((?: {2}\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?) {2}(\w+): (\w+);/g;
const FIELD_BYTES = 4;
const FIELD_TYPES = ['i32', 'u32', 'f32', 'usize'];

/**
 * The structs that the kernels' sources declare, by name.
 * @param {string[]} sources texts of assembly/
 */
export function structsOf(sources) {
  const structs = sources.flatMap((source) =>
    Array.from(source.matchAll(STRUCT), ([, comment, name, body]) => ({
      name,
      comment,
      fields: Array.from(body.matchAll(FIELD), ([, comment, name, type]) => ({ name, type, comment })),
    })),
  );
  for (const { name, fields } of structs) {
    const odd = fields.find(({ type }) => !FIELD_TYPES.includes(type));
    if (odd || fields.length === 0)
      throw new Error(
        `struct ${name}: found ${odd ? `${odd.name}: ${odd.type}` : 'no field'}, expected four-byte fields`,
      );
  }
  return structs.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * src/engine/kernel-exports.ts: a `usize` argument is an Address, a struct a Pointer, any other a Scalar. A `usize`
 * that is returned is a size in bytes, since kernels own no memory.
 * @param {string} declarations what the compiler wrote
 */
export function kernelExports(declarations, structs) {
  const used = new Set();
  const typeOf = (type) => {
    if (type === 'usize') return 'Address';
    const struct = structs.find(({ name }) => type.endsWith(`/${name}`));
    if (!struct) return 'Scalar';
    used.add(struct.name);
    return `Pointer<${struct.name}>`;
  };
  const members = kernelsOf(declarations).map(({ name, parameters, result }) => {
    const list = parameters.map((parameter) => `${parameter.name}: ${typeOf(parameter.type)}`);
    return `  ${name}(${list.join(', ')}): ${result};\n`;
  });
  return `// Written by the build from the compiled kernels.
import type { Address, Pointer, Scalar } from './address.ts';
import type { ${[...used].sort().join(', ')} } from './kernel-layout.ts';

/** The compiled kernels by name. Their heads in assembly/ say what each takes, its precision and its order of sums. */
export interface KernelExports {
${members.join('')}}
`;
}

/**
 * src/engine/kernel-layout.ts: the constants as they stand in assembly/layout.ts, then each struct as an interface and
 * a layout.
 * @param {string} constants text of assembly/layout.ts
 */
export function kernelLayout(constants, structs, declarations) {
  const hostType = { usize: 'Address' };
  const declared = structs.map(({ name, comment, fields }) => {
    const members = fields.map(
      ({ name, type, comment }) => `${comment}  readonly ${name}: ${hostType[type] ?? 'Scalar'};\n`,
    );
    const array = (type, i) => `${type === 'f32' ? 'floats' : 'words'}[at${i > 0 ? ` + ${i}` : ''}]`;
    const writes = fields.map(({ name, type }, i) => `    ${array(type, i)} = value.${name};\n`);
    const reads = fields.map(({ name, type }, i) => {
      const cast = type === 'usize' ? ' as Address' : '';
      return `      ${name}: ${array(type, i)}${type === 'i32' ? ' | 0' : cast},\n`;
    });
    // of the two views, one may not be needed
    const hasFloats = fields.some(({ type }) => type === 'f32');
    const hasWords = fields.some(({ type }) => type !== 'f32');
    const views = `${hasWords ? '' : '_'}words, ${hasFloats ? '' : '_'}floats`;
    return `${comment}export interface ${name} {
${members.join('')}}
export const ${name}: StructLayout<${name}> = {
  name: '${name}',
  bytes: ${FIELD_BYTES * fields.length},
  write(${views}, at, value) {
${writes.join('')}  },
  read(${views}, at) {
    return {
${reads.join('')}    };
  },
};
`;
  });
  const taken = kernelsOf(declarations).flatMap(({ name, parameters }) => {
    const own = parameters.map(({ type }) => structs.find((struct) => type.endsWith(`/${struct.name}`))?.name);
    return own.some(Boolean) ? [`  ${name}: [${own.map((struct) => struct ?? 'undefined').join(', ')}],\n`] : [];
  });
  return `// Written by the build from assembly/layout.ts and the structs of the kernels.
import type { Address, Scalar } from './address.ts';
import type { AnyLayout, StructLayout } from './struct.ts';

${constants}
${declared.join('\n')}
/**
 * The fields of each struct, in the order of memory: apart from the layouts, since a page that recommends needs no
 * names.
 */
export const STRUCT_FIELDS: { readonly [struct: string]: readonly string[] } = {
${structs.map(({ name, fields }) => `  ${name}: [${fields.map(({ name }) => `'${name}'`).join(', ')}],\n`).join('')}};

/** The structs that kernels take, at the places of the arguments. */
export const STRUCT_ARGUMENTS: { readonly [kernel: string]: readonly (AnyLayout | undefined)[] } = {
${taken.join('')}};

/**
 * The constants and the layouts by name: an object that bundlers leave out where nobody asks for it, which a namespace
 * is not.
 */
export const layout = {
${[...Array.from(constants.matchAll(/export const (\w+)/g), ([, name]) => name), ...structs.map(({ name }) => name)]
  .map((name) => `  ${name},\n`)
  .join('')}};
`;
}

/** The exported functions: name, parameters with the compiler's types, TypeScript's type of what they return. */
function kernelsOf(declarations) {
  const kernel = / {3}\* assembly\/\S+\n((?: {3}\* @.*\n)*) {3}\*\/\n {2}export function (\w+)\(.*\): (\w+);/g;
  return Array.from(declarations.matchAll(kernel), ([, tags, name, result]) => ({
    name,
    result,
    parameters: Array.from(tags.matchAll(/@param (\w+) `(.+)`/g), ([, name, type]) => ({ name, type })),
  }));
}
