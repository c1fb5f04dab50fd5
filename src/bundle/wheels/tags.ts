/** Which wheels a target accepts, and which of them it likes best (PEP 425 and 600). */
import { ThampiError } from '../../errors.ts'
import type { Target } from '../bundle.ts'
import type { WheelName } from './name.ts'

/** Tag → its place in the target's order; 0 is the best. */
export type Tags = ReadonlyMap<string, number>

/** Names from before the glibc number stood in the tag; each means the number it stands behind. */
const older: Readonly<Record<number, string>> = { 17: 'manylinux2014', 12: 'manylinux2010', 5: 'manylinux1' }

/** Since this one a Python accepts what was compiled against the stable interface of an older one. */
const OLDEST_ABI3 = 2

/**
 * Everything that CPython of the target's minor loads on the target's machine. What asks for a newer glibc than the
 * target has is not among it.
 *
 * @throws ThampiError INTERNAL when the target does not say its Python and glibc
 * @example
 * const tags = acceptedTags({ os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' })
 * tags.has('cp313-cp313-manylinux_2_28_x86_64') // true
 * tags.has('cp313-cp313-manylinux_2_35_x86_64') // false
 */
export function acceptedTags(target: Target): Tags {
  const { minor, platforms } = readTarget(target)
  const every = (python: string, abi: string): string[] => platforms.map(it => `${python}-${abi}-${it}`)
  const cpython = `cp3${minor}`
  const downTo = (last: number, first = minor): number[] =>
    Array.from({ length: first - last + 1 }, (_, back) => first - back)
  const pythons = [`py3${minor}`, 'py3', ...downTo(0, minor - 1).map(old => `py3${old}`)]
  const tags = [
    ...every(cpython, cpython),
    ...every(cpython, 'abi3'),
    ...every(cpython, 'none'),
    ...downTo(OLDEST_ABI3, minor - 1).flatMap(old => every(`cp3${old}`, 'abi3')),
    ...pythons.flatMap(python => every(python, 'none')),
    ...[cpython, ...pythons].map(python => `${python}-none-any`),
  ]
  return new Map(tags.map((tag, place) => [tag, place]))
}

/** Place of the wheel's best tag, smaller is better; undefined when the target cannot load it. */
export function placeOf({ tags }: WheelName, accepted: Tags): number | undefined {
  const places = tags.map(tag => accepted.get(tag)).filter(place => place !== undefined)
  return places.length === 0 ? undefined : Math.min(...places)
}

/**
 * The wheel that an installer on the target would take, undefined when none fits. All are of one version.
 *
 * @example
 * bestWheel(index.files, file => parseWheelName(file.filename), acceptedTags(target))
 */
export function bestWheel<T>(
  candidates: readonly T[],
  nameOf: (candidate: T) => WheelName | undefined,
  accepted: Tags,
): T | undefined {
  let best: { readonly candidate: T; readonly name: WheelName; readonly place: number } | undefined
  for (const candidate of candidates) {
    const name = nameOf(candidate)
    const place = name && placeOf(name, accepted)
    if (name === undefined || place === undefined) continue
    const better = !best || place < best.place || (place === best.place && buildOrder(name, best.name) > 0)
    if (better) best = { candidate, name, place }
  }
  return best?.candidate
}

/** True when it fits only because it was built on some Linux machine, nobody knows how old. */
export function isRisky({ tags }: WheelName, accepted: Tags): boolean {
  const fitting = tags.filter(tag => accepted.has(tag))
  return fitting.length > 0 && fitting.every(tag => /-linux_[^-]+$/.test(tag))
}

function buildOrder({ build: a }: WheelName, { build: b }: WheelName): number {
  if (!a || !b) return Number(a !== undefined) - Number(b !== undefined)
  return a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0)
}

function readTarget({ os, arch, python, glibc }: Target): { minor: number; platforms: readonly string[] } {
  const minor = /^3\.(\d+)$/.exec(python ?? '')?.[1]
  const newest = /^2\.(\d+)$/.exec(glibc ?? '')?.[1]
  if (os !== 'linux' || minor === undefined || newest === undefined) {
    throw new ThampiError('INTERNAL', {
      message: `Wheels were asked for Python ${python} and glibc ${glibc} on ${os}.`,
    })
  }
  return { minor: Number(minor), platforms: platformsOf(arch, Number(newest)) }
}

function platformsOf(arch: Target['arch'], newest: number): readonly string[] {
  const machine = machineOf(arch)
  // Nothing was ever built for older ones: RHEL 5, and on ARM RHEL 7.
  const oldest = arch === 'x64' ? 5 : 17
  const platforms: string[] = []
  for (let glibc = newest; glibc >= oldest; glibc--) {
    platforms.push(`manylinux_2_${glibc}_${machine}`)
    const name = older[glibc]
    if (name !== undefined) platforms.push(`${name}_${machine}`)
  }
  return [...platforms, `linux_${machine}`]
}

/** As Linux and the tags of wheels call it. */
export function machineOf(arch: Target['arch']): 'x86_64' | 'aarch64' {
  return arch === 'x64' ? 'x86_64' : 'aarch64'
}
