/** Will the libraries of a wheel load where they are going? The tag in its name is a promise; this looks. */
import { ThampiError } from '../../errors.ts'
import type { Target } from '../bundle.ts'
import { compareVersions, machines } from './elf.ts'
import type { FoundLibrary } from './inspect.ts'
import type { OpenWheel, Wheel } from './wheel.ts'

/** Of the processors that wheels are seen for. */
const NAMES = new Map([
  [machines.x64, 'x86_64'],
  [machines.arm64, 'aarch64'],
  [3, 'i386'],
  [40, '32-bit ARM'],
  [21, 'ppc64le'],
  [22, 's390x'],
  [243, 'riscv64'],
])

/**
 * A wheel that is for any platform may bring libraries for many, and choose when it is imported: those of other
 * processors are let pass there.
 *
 * @throws ThampiError WHEEL_PLATFORM with the package, the file and what it needs
 */
export function checkLibraries(
  { wheel, native }: OpenWheel,
  libraries: readonly FoundLibrary[],
  target: Target,
): void {
  for (const { path, machine, glibc } of libraries) {
    if (machine !== machines[target.arch]) {
      if (!native) continue
      throw unfit(wheel, target, `${path} is made for ${NAMES.get(machine) ?? `processor ${machine}`}`)
    }
    if (glibc !== undefined && target.glibc !== undefined && compareVersions(glibc, target.glibc) > 0) {
      throw unfit(wheel, target, `${path} needs glibc ${glibc}`)
    }
  }
}

function unfit(wheel: Wheel, target: Target, because: string): ThampiError {
  const glibc = target.glibc === undefined ? '' : ` with glibc ${target.glibc}`
  return new ThampiError('WHEEL_PLATFORM', {
    message: `${wheel.name} ${wheel.version} does not run on Linux ${NAMES.get(machines[target.arch])}${glibc}: ${because}.`,
    why: `It was in ${wheel.file}.`,
    fix: `pin another version of ${wheel.name} in the dependency file`,
  })
}
