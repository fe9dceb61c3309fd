/**
 * sum + a · b, four lanes: rounded twice, so that every host gives the same bits. In the builds with relaxed SIMD the
 * host may round once (one instruction, if the processor has it), so the bits depend on the host.
 */
// @ts-ignore: decorator
@inline
export function madd(sum: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, sum);
  return f32x4.add(sum, f32x4.mul(a, b));
}
