// What the machine can do at most from WebAssembly, for bench/benches/limits.mjs alone: arithmetic, memory traffic,
// dependent reads.

/**
 * Products and sums of f32 at the rate of the registers: 64 flops a round, the factors read from one cache line.
 * at: 128 bytes of finite numbers.
 */
export function arithmetic(rounds: i32, at: usize): f32 {
  return lanes(run(false, rounds, at));
}

/** As arithmetic, of 16-bit integers: 128 products and sums a round, eight pairs of products an instruction. */
export function integers(rounds: i32, at: usize): i32 {
  const sums = run(true, rounds, at);
  return (
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3)
  );
}

// @ts-ignore: decorator
@inline
function run(fixed: bool, rounds: i32, at: usize): v128 {
  let c0 = f32x4.splat(0),
    c1 = c0,
    c2 = c0,
    c3 = c0,
    c4 = c0,
    c5 = c0,
    c6 = c0,
    c7 = c0;
  const x0 = v128.load(at, 64),
    x1 = v128.load(at, 80),
    x2 = v128.load(at, 96),
    x3 = v128.load(at, 112);
  for (let i = 0; i < rounds; i++) {
    // another address each round, or the products would be made once
    const b = at + ((i & 1) << 5);
    const b0 = v128.load(b),
      b1 = v128.load(b, 16);
    c0 = add(fixed, c0, multiply(fixed, x0, b0));
    c1 = add(fixed, c1, multiply(fixed, x0, b1));
    c2 = add(fixed, c2, multiply(fixed, x1, b0));
    c3 = add(fixed, c3, multiply(fixed, x1, b1));
    c4 = add(fixed, c4, multiply(fixed, x2, b0));
    c5 = add(fixed, c5, multiply(fixed, x2, b1));
    c6 = add(fixed, c6, multiply(fixed, x3, b0));
    c7 = add(fixed, c7, multiply(fixed, x3, b1));
  }
  return add(
    fixed,
    add(fixed, add(fixed, c0, c1), add(fixed, c2, c3)),
    add(fixed, add(fixed, c4, c5), add(fixed, c6, c7)),
  );
}

// @ts-ignore: decorator
@inline
function add(fixed: bool, x: v128, y: v128): v128 {
  return fixed ? i32x4.add(x, y) : f32x4.add(x, y);
}

// @ts-ignore: decorator
@inline
function multiply(fixed: bool, x: v128, y: v128): v128 {
  return fixed ? i32x4.dot_i16x8_s(x, y) : f32x4.mul(x, y);
}

function lanes(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3);
}

/** The sum of `bytes` bytes of f32, a multiple of 64: reading alone. */
export function sum(bytes: usize, x: usize): f32 {
  let s0 = f32x4.splat(0),
    s1 = s0,
    s2 = s0,
    s3 = s0;
  for (const end = x + bytes; x != end; x += 64) {
    s0 = f32x4.add(s0, v128.load(x));
    s1 = f32x4.add(s1, v128.load(x, 16));
    s2 = f32x4.add(s2, v128.load(x, 32));
    s3 = f32x4.add(s3, v128.load(x, 48));
  }
  return lanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** y = x over `bytes` bytes, a multiple of 64. */
export function copy(bytes: usize, x: usize, y: usize): void {
  for (const end = x + bytes; x != end; x += 64, y += 64) {
    v128.store(y, v128.load(x));
    v128.store(y, v128.load(x, 16), 16);
    v128.store(y, v128.load(x, 32), 32);
    v128.store(y, v128.load(x, 48), 48);
  }
}

/** z = x + s y over `bytes` bytes, a multiple of 32. */
export function triad(bytes: usize, s: f32, x: usize, y: usize, z: usize): void {
  const scale = f32x4.splat(s);
  for (const end = x + bytes; x != end; x += 32, y += 32, z += 32) {
    v128.store(z, f32x4.add(v128.load(x), f32x4.mul(scale, v128.load(y))));
    v128.store(z, f32x4.add(v128.load(x, 16), f32x4.mul(scale, v128.load(y, 16))), 16);
  }
}

/** `steps` reads, each from the address that the one before gave. */
export function chase(steps: i32, at: usize): usize {
  for (let i = 0; i < steps; i++) at = load<usize>(at);
  return at;
}
