/**
 * The base class of arguments that travel together: `@unmanaged export class Adam extends Struct`. A kernel takes such
 * a class by its address. Fields lie in order, four bytes each, and the host writes them (src/engine/struct.ts).
 * Without a base class, the compiler would take the class for a record of the bindings and export an allocator for it.
 */
@unmanaged
export class Struct {}
