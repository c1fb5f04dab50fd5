/** The lines of a dependency file → what may be asked of an index for another machine. Everything else is refused, by name. */
import type { AllowedSource } from '../../settings/stage.ts'
import { forPeople } from '../../system/files.ts'
import type { Environment } from '../../system/places.ts'
import type { Target } from '../bundle.ts'
import { normalName, type ParsedLine, readLines } from '../requirement-lines.ts'
import type { Requirements } from '../requirements.ts'
import { markerEnvironment, markerHolds } from '../wheels/markers.ts'
import {
  hasUser,
  isInside,
  isRepository,
  optionsIn,
  pathOf,
  REQUIREMENT,
  withoutComment,
  withoutOptions,
  withoutUser,
} from './line-parts.ts'
import { password, refused, repository, type Spot } from './refused.ts'

export interface Limits {
  readonly allow: readonly AllowedSource[]
  /** Local packages must lie in it. */
  readonly projectDir: string
  /** Packages that are there already where the model runs: not packed. */
  readonly brought: readonly string[]
  readonly target: Target
  readonly cwd: string
  readonly env: Environment
}

/** A directory, an archive or a wheel of the project. */
export interface LocalPackage {
  readonly path: string
  /** `[extra]` or nothing. */
  readonly extras: string
  readonly shown: string
}

/** Where the file itself says that packages come from. Paths are absolute. */
export interface FileSources {
  readonly index: string | undefined
  readonly extra: readonly string[]
  readonly links: readonly string[]
  readonly trusted: readonly string[]
  readonly none: boolean
}

export interface Wanted {
  /** Requirements of PEP 508, sorted, without comments and options. */
  readonly lines: readonly string[]
  readonly constraints: readonly string[]
  readonly local: readonly LocalPackage[]
  /** Name → the SHA-256 that the file gives for it. */
  readonly hashes: ReadonlyMap<string, ReadonlySet<string>>
  /** Names that need no hash although the others do: added by us. */
  readonly unhashed: ReadonlySet<string>
  readonly hashed: boolean
  readonly prereleases: boolean
  /** Not packed, because they are there already where the model runs. */
  readonly brought: readonly string[]
  readonly sources: FileSources
  readonly notices: readonly string[]
}

/**
 * @throws ThampiError REQUIREMENTS_INVALID naming the line that is refused, and the way out
 * @example
 * wantedOf(await readRequirements('requirements.txt', place), limits).lines // ['scikit-learn==1.9.1']
 */
export function wantedOf(requirements: Requirements, limits: Limits): Wanted {
  const reading = new Reading(limits)
  for (const { shown, constraint, text } of requirements.files) {
    for (const parsed of readLines(text)) {
      reading.take(parsed, { shown, constraint, at: `${shown}:${parsed.first + 1}` })
    }
  }
  return reading.result(requirements)
}

class Reading {
  readonly #limits: Limits
  readonly #lines = new Set<string>()
  readonly #constraints = new Set<string>()
  readonly #local: LocalPackage[] = []
  readonly #hashes = new Map<string, Set<string>>()
  readonly #notices: string[] = []
  readonly #dropped = new Set<string>()
  readonly #extra: string[] = []
  readonly #links: string[] = []
  readonly #trusted: string[] = []
  #index: string | undefined
  #none = false
  #hashed = false
  #prereleases = false

  constructor(limits: Limits) {
    this.#limits = limits
  }

  take({ joined, line }: ParsedLine, spot: Spot): void {
    const text = this.#expanded(withoutComment(joined), spot)
    switch (line.kind) {
      case 'option':
        for (const { option, value } of optionsIn(text)) this.#option(option, value, spot)
        break
      case 'named':
        this.#named(line.name, text, spot)
        break
      case 'place': {
        const [, place = '', extras = ''] =
          /^(.*?)(\[[^\]]*\])?$/s.exec(this.#expanded(line.place, spot)) ?? []
        this.#place(place, extras, spot)
        break
      }
      case 'include':
        if (/^[a-z][a-z0-9+.-]+:\/\//i.test(line.path)) {
          throw refused(spot, text, 'What stands at an address can be something else tomorrow.', {
            fix: 'save that file in the project and include the copy',
          })
        }
    }
  }

  result(requirements: Requirements): Wanted {
    const notices = [...this.#notices]
    if (this.#dropped.size > 0) {
      notices.push(`Not packed, because Lambda brings them: ${[...this.#dropped].sort().join(', ')}.`)
    }
    for (const line of requirements.extra) this.#lines.add(line)
    return {
      lines: [...this.#lines].sort(),
      constraints: [...this.#constraints].sort(),
      local: this.#local,
      hashes: this.#hashes,
      unhashed: new Set(requirements.extra.map(line => normalName(/^[\w.-]+/.exec(line)?.[0] ?? ''))),
      hashed: this.#hashed,
      prereleases: this.#prereleases,
      brought: this.#limits.brought,
      sources: {
        index: this.#index,
        extra: this.#extra,
        links: this.#links,
        trusted: this.#trusted,
        none: this.#none,
      },
      notices,
    }
  }

  #named(name: string, text: string, spot: Spot): void {
    this.#keepHashes(name, text, spot)
    if (this.#limits.brought.includes(name)) {
      if (!spot.constraint) this.#dropped.add(name)
      return
    }
    const line = withoutOptions(text).replace(/\s+/g, ' ')
    const [, before = line, marker] = /^(.*?)(?:\s*;|\s+;)\s*(.*)$/.exec(line) ?? []
    if (marker !== undefined && !markerHolds(marker, markerEnvironment(this.#limits.target))) return
    const url = /^[^@;]*@\s*(\S+)/.exec(line)?.[1]
    if (url === undefined && !REQUIREMENT.test(before)) {
      throw refused(spot, line, 'It is no name with versions.', { fix: `write it like \`${name}>=1.2,<2\`` })
    }
    if (url === undefined || this.#mayUseUrl(name, url, spot)) {
      const lines = spot.constraint ? this.#constraints : this.#lines
      lines.add(line)
    } else {
      this.#place(url, /\[[^\]]*\]/.exec(line.slice(0, line.indexOf('@')))?.[0] ?? '', spot, name)
    }
  }

  /** False for a place on this disk. */
  #mayUseUrl(name: string, url: string, spot: Spot): boolean {
    if (/^file:/i.test(url)) return false
    if (isRepository(url)) throw repository(spot, url)
    if (!/^https?:\/\//i.test(url)) return false
    if (!this.#allows('url')) {
      throw refused(
        spot,
        `${name} @ ${withoutUser(url)}`,
        'Packages come from the index, not from addresses.',
        {
          allow: 'url',
          fix: `write \`${name}==VERSION\` instead`,
        },
      )
    }
    if (!/\.whl$/i.test(new URL(url).pathname)) {
      throw refused(spot, `${name} @ ${withoutUser(url)}`, 'Only wheels can be packed from an address.', {
        fix: `write \`${name}==VERSION\` instead, or the address of a wheel`,
      })
    }
    if (hasUser(url)) throw password(spot, url)
    return true
  }

  #place(place: string, extras: string, spot: Spot, name?: string): void {
    const shown = name === undefined ? withoutUser(place) : `${name} @ ${withoutUser(place)}`
    if (isRepository(place)) throw repository(spot, place)
    if (/^https?:\/\//i.test(place)) {
      throw refused(spot, shown, 'Packages come from the index, not from addresses.', {
        fix: 'write NAME==VERSION instead',
      })
    }
    const path = pathOf(place, this.#limits.cwd)
    const { projectDir, cwd } = this.#limits
    const line = name === undefined ? forPeople(path, cwd) : shown
    if (!isInside(path, projectDir)) {
      throw refused(
        spot,
        line,
        `It lies outside the project (${forPeople(projectDir, cwd)}), or is not there.`,
        {
          fix:
            name === undefined
              ? 'publish it to an index of yours, or move it into the project'
              : `write \`${name}==VERSION\` instead; \`pip list --format=freeze > requirements.txt\` writes such lines`,
        },
      )
    }
    if (!this.#allows('local')) {
      throw refused(spot, line, 'What lies on this disk is packed only when the settings allow it.', {
        allow: 'local',
      })
    }
    this.#local.push({ path, extras, shown: forPeople(path, cwd) })
  }

  #option(option: string, value: string, spot: Spot): void {
    switch (option) {
      case '-i':
      case '--index-url':
      case '--pypi-url':
        if (hasUser(value)) throw password(spot, value)
        this.#index = value
        break
      case '--extra-index-url':
        this.#mustAllowIndex(option, value, spot)
        this.#extra.push(value)
        break
      case '-f':
      case '--find-links':
        if (!/^https?:/i.test(value) && this.#allows('local') && this.#isInProject(value)) {
          this.#links.push(pathOf(value, this.#limits.cwd))
          break
        }
        this.#mustAllowIndex(option, value, spot)
        this.#links.push(/^https?:/i.test(value) ? value : pathOf(value, this.#limits.cwd))
        break
      case '--trusted-host':
        this.#mustAllowIndex(option, value, spot)
        this.#trusted.push(value)
        break
      case '--no-index':
        this.#none = true
        break
      case '--pre':
        this.#prereleases = true
        break
      case '--require-hashes':
        this.#hashed = true
        break
      case '--no-binary':
        this.#notices.push(`\`--no-binary ${value}\` (${spot.at}) has no effect: only wheels are packed.`)
        break
      case '--only-binary':
      case '--prefer-binary':
      case '--use-feature':
        break
      default:
        throw refused(spot, `${option} ${value}`.trim(), 'That is no option of a requirements file.', {
          fix: 'take the line out, or pass another file with --dependency_file',
        })
    }
  }

  #mustAllowIndex(option: string, value: string, spot: Spot): void {
    if (hasUser(value)) throw password(spot, value)
    if (this.#allows('index')) return
    throw refused(
      spot,
      `${option} ${value}`,
      'With a second source, a package of the same name there can take the place of the one you mean.',
      { allow: 'index' },
    )
  }

  #keepHashes(name: string, text: string, spot: Spot): void {
    const given = [...text.matchAll(/\s--hash(?:=|\s+)([a-z0-9]+):([0-9a-f]+)/gi)]
    if (given.length === 0) return
    this.#hashed = true
    const known = this.#hashes.get(name) ?? new Set<string>()
    for (const [, kind = '', hex = ''] of given)
      if (kind.toLowerCase() === 'sha256') known.add(hex.toLowerCase())
    if (known.size === 0) {
      throw refused(spot, name, 'Its hashes are of another kind than SHA-256, which indexes publish.', {
        fix: 'make the hashes again: pip-compile --generate-hashes, or uv pip compile --generate-hashes',
      })
    }
    this.#hashes.set(name, known)
  }

  /** As pip expands: capital letters only. */
  #expanded(text: string, spot: Spot): string {
    return text.replace(/\$\{([A-Z0-9_]+)\}/g, (whole, name: string) => {
      if (!this.#allows('environment')) {
        throw refused(
          spot,
          whole,
          'A file that reads variables can send a secret of yours to an address it names.',
          {
            allow: 'environment',
          },
        )
      }
      return this.#limits.env[name] ?? whole
    })
  }

  #isInProject(value: string): boolean {
    return isInside(pathOf(value, this.#limits.cwd), this.#limits.projectDir)
  }

  #allows(what: AllowedSource): boolean {
    return this.#limits.allow.includes(what)
  }
}
