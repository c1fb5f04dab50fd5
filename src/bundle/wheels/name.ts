/** The name of a wheel's file says everything that decides where it can be installed (PEP 427). */
import { normalName } from '../requirement-lines.ts'
import { parseVersion } from './version.ts'

export interface WheelName {
  /** Normalised: `scikit-learn`. */
  readonly name: string
  /** As the file spells it, `1.9.1`. */
  readonly version: string
  /** Of two wheels that are the same otherwise the one with the higher build counts; without one it is the lowest. */
  readonly build: readonly [number: number, rest: string] | undefined
  /** All that it says it fits, `cp313-cp313-manylinux_2_28_x86_64`: one name can hold several. */
  readonly tags: readonly string[]
}

/**
 * Undefined when it is not the name of a wheel.
 *
 * @example
 * parseWheelName('six-1.17.0-py2.py3-none-any.whl')?.tags // ['py2-none-any', 'py3-none-any']
 */
export function parseWheelName(file: string): WheelName | undefined {
  if (!file.endsWith('.whl')) return undefined
  const parts = file.slice(0, -'.whl'.length).split('-')
  if (parts.length !== 5 && parts.length !== 6) return undefined
  const [name, version] = parts as [string, string]
  const build = parts.length === 6 ? /^(\d+)(.*)$/.exec(parts[2] as string) : undefined
  const [pythons, abis, platforms] = parts.slice(-3).map(part => part.toLowerCase().split('.'))
  if (build === null || !/^[\p{L}\p{N}._]+$/u.test(name) || name.includes('__') || !parseVersion(version)) {
    return undefined
  }
  const tags = (pythons as string[]).flatMap(python =>
    (abis as string[]).flatMap(abi =>
      (platforms as string[]).map(platform => `${python}-${abi}-${platform}`),
    ),
  )
  return {
    name: normalName(name),
    version,
    build: build && [Number(build[1]), build[2] as string],
    tags,
  }
}
