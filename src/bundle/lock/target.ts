/** A target in the words of people. */
import type { Target } from '../bundle.ts'

/** `Python 3.13 on Linux x86_64 (glibc 2.34)` */
export function showTarget({ python, arch, glibc }: Target): string {
  return `Python ${python} on Linux ${arch === 'arm64' ? 'arm64' : 'x86_64'}${glibc ? ` (glibc ${glibc})` : ''}`
}
