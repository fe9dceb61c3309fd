// Elements of arrays in linear memory, by index. All functions are inlined into a load or a store at a shifted index.

/** Bytes of `count` four-byte values. */
// @ts-ignore: decorator
@inline
export function bytesOf(count: i32): usize {
  return (<usize>count) << 2;
}

/** Address of element `index` of an array of four-byte values. */
// @ts-ignore: decorator
@inline
export function at32(array: usize, index: i32): usize {
  return array + ((<usize>index) << 2);
}

/**
 * Address of element (row, column) of a matrix, `ld` four-byte values to a row. In usize: i32 products wrap beyond 2³¹.
 */
// @ts-ignore: decorator
@inline
export function cellAt(matrix: usize, ld: i32, row: i32, column: i32): usize {
  return matrix + ((<usize>row * <usize>ld + <usize>column) << 2);
}

/** Address of element `index` of an array of f64. */
// @ts-ignore: decorator
@inline
export function at64(array: usize, index: i32): usize {
  return array + ((<usize>index) << 3);
}

// @ts-ignore: decorator
@inline
export function f32At(array: usize, index: i32): f32 {
  return load<f32>(array + ((<usize>index) << 2));
}

// @ts-ignore: decorator
@inline
export function i32At(array: usize, index: i32): i32 {
  return load<i32>(array + ((<usize>index) << 2));
}

// @ts-ignore: decorator
@inline
export function u32At(array: usize, index: i32): u32 {
  return load<u32>(array + ((<usize>index) << 2));
}

// @ts-ignore: decorator
@inline
export function f64At(array: usize, index: i32): f64 {
  return load<f64>(array + ((<usize>index) << 3));
}

// @ts-ignore: decorator
@inline
export function setF32(array: usize, index: i32, value: f32): void {
  store<f32>(array + ((<usize>index) << 2), value);
}

// @ts-ignore: decorator
@inline
export function setI32(array: usize, index: i32, value: i32): void {
  store<i32>(array + ((<usize>index) << 2), value);
}

// @ts-ignore: decorator
@inline
export function setU32(array: usize, index: i32, value: u32): void {
  store<u32>(array + ((<usize>index) << 2), value);
}

// @ts-ignore: decorator
@inline
export function setF64(array: usize, index: i32, value: f64): void {
  store<f64>(array + ((<usize>index) << 3), value);
}
