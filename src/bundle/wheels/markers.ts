/** Conditions on requirements, `; python_version < "3.12"`, evaluated for the target and not for this machine (PEP 508). */
import { ThampiError } from '../../errors.ts'
import type { Target } from '../bundle.ts'
import { normalName } from '../requirement-lines.ts'
import { allows, parseCondition } from './ranges.ts'
import { machineOf } from './tags.ts'

const variables = [
  'python_full_version',
  'python_version',
  'os_name',
  'sys_platform',
  'platform_release',
  'platform_system',
  'platform_version',
  'platform_machine',
  'platform_python_implementation',
  'implementation_name',
  'implementation_version',
  'extra',
] as const

type Variable = (typeof variables)[number]

/** What each variable is on the machine that counts. */
export type MarkerEnvironment = Readonly<Record<Variable, string>>

/** Those whose values are versions: `3.9` is before `3.13`. */
const versions: ReadonlySet<Variable> = new Set([
  'python_full_version',
  'python_version',
  'platform_release',
  'implementation_version',
])

/**
 * The target's patch release is not known: the first of its minor stands for all. Nor is its kernel: no package
 * chooses by that.
 *
 * @param extra the one whose requirements are looked at, `all` in `pandas[all]`
 */
export function markerEnvironment({ arch, python = '' }: Target, extra = ''): MarkerEnvironment {
  return {
    python_full_version: `${python}.0`,
    python_version: python,
    os_name: 'posix',
    sys_platform: 'linux',
    platform_release: '',
    platform_system: 'Linux',
    platform_version: '',
    platform_machine: machineOf(arch),
    platform_python_implementation: 'CPython',
    implementation_name: 'cpython',
    implementation_version: `${python}.0`,
    extra: normalName(extra),
  }
}

/**
 * @throws ThampiError REQUIREMENTS_INVALID when it is no marker
 * @example
 * markerHolds('python_version >= "3.9" and platform_machine == "x86_64"', markerEnvironment(target)) // true
 */
export function markerHolds(marker: string, environment: MarkerEnvironment): boolean {
  const reader = new Reader(marker, environment)
  const holds = reader.either()
  reader.end()
  return holds
}

type Operand =
  | { readonly variable: Variable; readonly value: string }
  | { readonly variable?: undefined; readonly value: string }

const TOKEN =
  /\s*(?:(?<text>'[^']*'|"[^"]*")|(?<operator>===|==|~=|!=|<=|>=|<|>|not\s+in\b|in\b)|(?<word>[a-z_.]+)|(?<bracket>[()]))/y

/** Markers come from strangers, and every bracket costs stack. */
const MAX_DEPTH = 100

/** Goes through the marker once, from left to right; `and` binds closer than `or`. */
class Reader {
  readonly #marker: string
  readonly #environment: MarkerEnvironment
  #at = 0
  #depth = 0

  constructor(marker: string, environment: MarkerEnvironment) {
    this.#marker = marker
    this.#environment = environment
  }

  either(): boolean {
    let holds = this.#both()
    while (this.#take('word', 'or')) holds = this.#both() || holds
    return holds
  }

  end(): void {
    if (this.#marker.slice(this.#at).trim() !== '') throw this.#wrong()
  }

  #both(): boolean {
    let holds = this.#single()
    while (this.#take('word', 'and')) holds = this.#single() && holds
    return holds
  }

  #single(): boolean {
    if (this.#take('bracket', '(')) {
      if (++this.#depth > MAX_DEPTH) throw this.#wrong()
      const holds = this.either()
      if (!this.#take('bracket', ')')) throw this.#wrong()
      this.#depth--
      return holds
    }
    const left = this.#operand()
    const operator = this.#take('operator')?.replace(/\s+/, ' ')
    if (operator === undefined) throw this.#wrong()
    const right = this.#operand()
    const variable = left.variable ?? right.variable
    if (variable === undefined) throw this.#wrong()
    return this.#compare(variable, left, operator, right)
  }

  #operand(): Operand {
    const text = this.#take('text')
    if (text !== undefined) return { value: text.slice(1, -1) }
    const word = this.#take('word')
    const variable = variables.find(name => name === spellings[word ?? ''] || name === word)
    if (variable === undefined) throw this.#wrong()
    return { variable, value: this.#environment[variable] }
  }

  #compare(variable: Variable, left: Operand, operator: string, right: Operand): boolean {
    const [one, other] = [left, right].map(({ value }) => (variable === 'extra' ? normalName(value) : value))
    if (one === undefined || other === undefined) throw this.#wrong()
    const condition = versions.has(variable) ? parseCondition(`${operator}${other}`) : undefined
    if (condition) return allows([condition], one)
    switch (operator) {
      case 'in':
        return other.includes(one)
      case 'not in':
        return !other.includes(one)
      case '!=':
        return one !== other
      // Words have no order: neither comes before the other.
      case '<':
      case '>':
        return false
      case '==':
      case '<=':
      case '>=':
        return one === other
      default:
        throw this.#wrong()
    }
  }

  /** The next token, when it is of this kind (and this one); else nothing is taken. */
  #take(kind: 'text' | 'operator' | 'word' | 'bracket', wanted?: string): string | undefined {
    TOKEN.lastIndex = this.#at
    const found = TOKEN.exec(this.#marker)?.groups?.[kind]
    if (found === undefined || (wanted !== undefined && found !== wanted)) return undefined
    this.#at = TOKEN.lastIndex
    return found
  }

  #wrong(): ThampiError {
    const rest = this.#marker.slice(this.#at).trim()
    return new ThampiError('REQUIREMENTS_INVALID', {
      message: `"${short(this.#marker)}" is no condition that can be read.`,
      why: rest === '' ? 'It makes no sense at its end.' : `It makes no sense at "${short(rest)}".`,
      fix: 'write it like `; python_version >= "3.12" and platform_machine == "x86_64"`',
    })
  }
}

function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/** How the files of long ago wrote them. */
const spellings: Readonly<Record<string, Variable>> = {
  'os.name': 'os_name',
  'sys.platform': 'sys_platform',
  'platform.version': 'platform_version',
  'platform.machine': 'platform_machine',
  'platform.python_implementation': 'platform_python_implementation',
  python_implementation: 'platform_python_implementation',
}
