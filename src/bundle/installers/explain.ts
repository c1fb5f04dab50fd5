/** An installer's own words → what went wrong, why, and what to do. */
import { ThampiError } from '../../errors.ts'
import type { Requirements } from '../requirements.ts'

/** How many lines of the log a person is shown. */
const TAIL = 12

interface Cause {
  readonly pattern: RegExp
  /** May use what the pattern's first group found. */
  readonly why: (found: string) => string
  readonly fix: (found: string, file: string) => string
}

/** In this order: without a network an installer also complains that no version exists. */
const causes: readonly Cause[] = [
  {
    pattern:
      /name resolution|resolve host|dns error|Name or service not known|nodename nor servname|NewConnectionError|Connection refused|Network is unreachable|ConnectTimeout|Read timed out|ProxyError|error sending request|tcp connect error/i,
    why: () => 'The package index could not be reached.',
    fix: () => 'check the network (and HTTPS_PROXY, when you are behind a proxy), then run the command again',
  },
  {
    pattern: /certificate verify failed|invalid peer certificate|SSLError/i,
    why: () => 'The package index showed a certificate that is not trusted here.',
    fix: () => 'set PIP_CERT to the file with your company’s certificates',
  },
  {
    pattern: /DO NOT MATCH THE HASHES|Hash mismatch|hash-checking mode|--require-hashes/i,
    why: () => 'A package does not have the hash that the file gives, or has none there.',
    fix: (_, file) => `make the hashes in ${file} again, for all packages`,
  },
  {
    pattern:
      /(?:ResolutionImpossible|conflicting dependencies|requirements are unsatisfiable|versions have conflicting)/i,
    why: () => 'Some of the packages exclude each other.',
    fix: (_, file) => `loosen one of the versions in ${file} that the lines above name`,
  },
  {
    pattern:
      /Could not find a version that satisfies the requirement ([A-Za-z0-9][\w.-]*)[^\n]*from versions: none/i,
    why: found => `The package index has no ${found}, or it could not be reached.`,
    fix: (found, file) => `check the spelling of ${found} in ${file}, and the network`,
  },
  {
    pattern:
      /(?:No matching distribution found for|there (?:is|are) no versions? of|Because|Could not find a version that satisfies the requirement) ["'`]?([A-Za-z0-9][\w.[\]-]*(?:\s*[=<>!~]=?[=\s]*[\w.*]+)?)/i,
    why: found => `There is no ${found} for this Python and this machine.`,
    fix: (_, file) => `change that line of ${file} to a version that exists`,
  },
  {
    pattern:
      /(?:command '[^']*(?:gcc|cc|clang|g\+\+|cl\.exe)[^']*' failed|Microsoft Visual C\+\+|Python\.h: No such file|(?:Unknown|No) compiler|(?:compiler|cmake|gfortran|cargo)\b[^\n]{0,40}(?:not found|cannot be found))/i,
    why: () => 'A package has no wheel for this Python, and building it needs a compiler that is not here.',
    fix: (_, file) => `change ${file} to a version that has wheels for this Python, or install a compiler`,
  },
  {
    pattern:
      /(?:Failed building wheel for|Failed to build(?: installable wheels for)?:?) [`'"]?([A-Za-z0-9][\w.-]*)/i,
    why: found => `${found} has no wheel for this Python and did not build from source.`,
    fix: (found, file) => `change ${file} to a version of ${found} that has wheels for this Python`,
  },
]

/**
 * @param log everything the installer wrote
 * @param file the copy it worked on; its user hears the name of the original
 */
export function installFailed(
  tool: string,
  requirements: Requirements,
  log: readonly string[],
  copies: string,
): { readonly error: ThampiError; readonly tail: readonly string[] } {
  const lines = log.map(line => inUsersWords(line, requirements, copies)).filter(line => line.trim() !== '')
  const text = lines.join('\n')
  return { error: explained(tool, requirements, text), tail: lines.slice(-TAIL) }
}

function explained(tool: string, { shown }: Requirements, text: string): ThampiError {
  if (/No space left on device|Errno 28|os error 28/.test(text)) {
    return new ThampiError('DISK_FULL', {
      message: `No space left while the packages of ${shown} were installed.`,
      fix: 'thampi clean --scope=all --dry-run   # shows what Thampi itself could give back',
    })
  }
  const invalid = /(?:Invalid requirement|Couldn't parse requirement)[^\n]*/i.exec(text)?.[0]
  if (invalid !== undefined) {
    return new ThampiError('REQUIREMENTS_INVALID', {
      message: `${shown} has a line that ${tool} cannot read.`,
      why: invalid,
      fix: 'write one package a line, such as `scikit-learn==1.5.2`',
    })
  }
  const message = `${tool} could not install the packages of ${shown}.`
  for (const { pattern, why, fix } of causes) {
    const match = pattern.exec(text)
    if (match) {
      const found = match[1] ?? ''
      return new ThampiError('INSTALL_FAILED', { message, why: why(found), fix: fix(found, shown) })
    }
  }
  return new ThampiError('INSTALL_FAILED', {
    message,
    why: text.split('\n').findLast(line => /error/i.test(line)) ?? text.split('\n').at(-1),
    fix: `pip install -r ${shown}   # in a new virtual environment, to see the whole log`,
  })
}

/** Names of our copies mean nothing to a person. */
function inUsersWords(line: string, requirements: Requirements, copies: string): string {
  let words = line
  for (const { name, shown } of requirements.files) {
    words = words.replaceAll(`${copies}/${name}`, shown).replaceAll(`${copies}\\${name}`, shown)
  }
  return words.trimEnd()
}
