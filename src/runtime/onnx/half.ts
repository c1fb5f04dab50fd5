/** Numbers of 16 bits (IEEE 754 binary16), which Node before version 24 has no array for. */

const single = new Float32Array(1)
const bits = new Uint32Array(single.buffer)

/** The 16 bits nearest to a number, ties to even; beyond 65519 that is infinity. */
export function toHalf(value: number): number {
  single[0] = value
  const x = bits[0] as number
  const sign = (x >>> 16) & 0x8000
  const exponent = (x >>> 23) & 0xff
  const fraction = x & 0x7fffff
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200)
  const power = exponent - 127 + 15
  if (power >= 31) return sign | 0x7c00
  // Where a number is too small for an exponent of its own, its leading one is written out and moved to the right.
  const isSmall = power <= 0
  if (power < -10) return sign
  const moved = isSmall ? 14 - power : 13
  const whole = isSmall ? fraction | 0x800000 : fraction
  const kept = (isSmall ? 0 : power << 10) + (whole >>> moved)
  const lost = whole & ((1 << moved) - 1)
  const tie = 1 << (moved - 1)
  const up = lost > tie || (lost === tie && (kept & 1) === 1)
  // A carry out of the fraction is the next exponent, which is right.
  return sign | (kept + (up ? 1 : 0))
}

/** The number that 16 bits stand for. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}
