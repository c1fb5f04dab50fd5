/** What uv says when it cannot resolve → what is wrong, with which package, and the way out. */
import { ThampiError } from '../../errors.ts'
import { normalName } from '../requirement-lines.ts'
import type { Question } from './ask.ts'
import { showTarget } from './target.ts'

/** One package that stands in the way, because nothing of it runs on the target. */
export interface NoWheel {
  readonly name: string
  /** Undefined when no version of it has a wheel that would do. */
  readonly version: string | undefined
}

/** Thrown inside this room: whether the package can be had otherwise is looked into before a person hears of it. */
export class NoWheelError extends Error {
  readonly what: NoWheel
  readonly said: string

  constructor(what: NoWheel, said: string) {
    super(`${what.name} has no wheel`)
    this.what = what
    this.said = said
  }
}

interface Cause {
  readonly pattern: RegExp
  readonly error: (match: RegExpExecArray, question: Question, said: string) => ThampiError
}

const NAME = '`?([A-Za-z0-9][\\w.-]*)`?(?:\\[[^\\]]*\\])?'

/** In this order: a conflict also says that versions do not exist, and without a network nothing does. */
const causes: readonly Cause[] = [
  {
    pattern: /invalid peer certificate|certificate verify failed|UnknownIssuer/i,
    error: (_, __, said) =>
      failed('NETWORK', 'The package index showed a certificate that is not trusted here.', hostIn(said), {
        fix: 'set SSL_CERT_FILE to the file with your company’s certificates',
      }),
  },
  {
    pattern: /\(401 Unauthorized\)|\b403 Forbidden\b|lack of valid authentication|Missing credentials/i,
    error: (_, __, said) =>
      failed(
        'NETWORK',
        'The package index wants a user name and a password, or refused those it got.',
        hostIn(said),
        {
          fix: 'put them into ~/.netrc, or set PIP_INDEX_URL=https://USER:PASSWORD@HOST/simple',
        },
      ),
  },
  {
    pattern: /HTTP status \w+ error \((\d+[^)]*)\)/i,
    error: ([, status = ''], _, said) =>
      failed('NETWORK', `The package index answered ${status}.`, hostIn(said), {
        fix: 'run the command again in a while, or ask those who run the index',
      }),
  },
  {
    pattern: /Failed to (?:fetch|download)\b|error sending request|network (?:was|connectivity is) disabled/i,
    error: (_, { shown }, said) =>
      failed('NETWORK', `The package index could not be reached for ${shown}.`, hostIn(said), {
        fix: 'check the network (and HTTPS_PROXY, when you are behind a proxy), then run the command again',
      }),
  },
  {
    pattern: /No space left on device|os error 28/i,
    error: () =>
      failed('DISK_FULL', 'No space left while dependencies were resolved.', undefined, {
        fix: 'thampi clean --scope=all --dry-run   # shows what Thampi itself could give back',
      }),
  },
  {
    pattern: /Couldn't parse requirement[^.]*?(?:cause:|╰)?\s*(.*?)(?:$|\n)/i,
    error: (_, { shown }, said) =>
      failed('REQUIREMENTS_INVALID', `${shown} has a line that uv cannot read.`, reasonIn(said), {
        fix: 'write one package a line, such as `scikit-learn==1.5.2`',
      }),
  },
  {
    pattern: /--exclude-newer|exclude-newer value/i,
    error: (_, { excludeNewer }, said) =>
      /invalid value/.test(said)
        ? failed('USAGE', `"${excludeNewer}" is no date to lock by.`, undefined, {
            fix: 'write it as 2026-01-31 or 2026-01-31T12:00:00Z',
          })
        : failed('INSTALL_FAILED', said, undefined, { fix: 'choose a later date' }),
  },
  {
    pattern: /`([^`]+)` was filtered by `exclude-newer`/i,
    error: ([, name = ''], { excludeNewer }) =>
      failed(
        'INSTALL_FAILED',
        `No version of ${name} that would do was there on ${excludeNewer}.`,
        undefined,
        {
          fix: 'choose a later date',
        },
      ),
  },
  {
    pattern: new RegExp(`${NAME} was not found in the (?:package registry|provided package locations)`, 'i'),
    error: ([, name = ''], { shown }) =>
      failed('INSTALL_FAILED', `The package index has no ${name}.`, undefined, {
        fix: `check the spelling of ${name} in ${shown}, and that the index is the right one`,
      }),
  },
  {
    pattern:
      /requested Python version .*? does not satisfy Python\s*(\S+?),? and (\S+?)(==\S+)? depends on Python/i,
    error: ([, python = '', name = '', version = ''], question) => {
      const shownVersion = version.replace(/^==/, ' ')
      return failed(
        'WHEEL_PLATFORM',
        `${name}${shownVersion} does not run on Python ${question.target.python}.`,
        `It wants Python ${python}.`,
        { fix: `change the line of ${name} in ${question.shown}, or save the model with such a Python` },
      )
    },
  },
]

/** @param said all that uv wrote to stderr */
export function explainUv(said: string, question: Question): ThampiError | NoWheelError {
  const text = plain(said)
  for (const { pattern, error } of causes) {
    const match = pattern.exec(text)
    if (match) return error(match, question, text)
  }
  const noWheel = noWheelIn(text)
  if (noWheel) return new NoWheelError(noWheel, text)
  const missing = new RegExp(`there (?:is|are) no versions? of ${NAME}((?:[=<>!~]=?[^ ,]+,? ?)*)`, 'i').exec(
    text,
  )
  const [, name = '', spec = ''] = missing ?? []
  if (missing && (text.match(/\bBecause\b/g)?.length ?? 0) === 1) {
    return failed('INSTALL_FAILED', `The package index has no ${name}${spec.trim()}.`, undefined, {
      fix: `change the line of ${name} in ${question.shown} to a version that exists`,
    })
  }
  if (/unsatisfiable|incompatible/i.test(text)) {
    return failed(
      'INSTALL_FAILED',
      `Packages of ${question.shown} exclude each other for ${showTarget(question.target)}.`,
      reasonIn(text),
      { fix: `loosen one of the versions in ${question.shown} that the line above names` },
    )
  }
  return failed(
    'INSTALL_FAILED',
    `uv could not resolve ${question.shown}.`,
    reasonIn(text) || text.slice(0, 400),
    {
      fix: `uv pip compile ${question.shown}   # shows the whole log`,
    },
  )
}

/** Packages that could do with a wheel: the first that uv names. */
function noWheelIn(text: string): NoWheel | undefined {
  const match = new RegExp(
    `(?:all versions of )?${NAME}((?:[=<>!~]=?\\S+)?) (?:has|have) no (?:usable wheels|wheels with a matching)`,
    'i',
  ).exec(text)
  const [, name, spec = ''] = match ?? []
  if (name === undefined) return undefined
  // The last one of a list of versions is not the one that is meant.
  if (/\ball of:?/.test(text.slice(0, match?.index))) return { name: normalName(name), version: undefined }
  return { name: normalName(name), version: /^==([^\s,]+)$/.exec(spec)?.[1] }
}

/** Older versions of uv draw a box of their words and break the lines. */
function plain(said: string): string {
  return said
    .replace(/[×╰─▶│├┬]+/g, ' ')
    .replace(/^warning:.*$/gm, '')
    .replace(/(\S)-\s*\n\s+/g, '$1-')
    .replace(/\s+/g, ' ')
    .trim()
}

/** The sentence behind `cause:` up to the conclusion. */
export function reasonIn(text: string): string {
  const cause =
    /(?:cause:|dependencies:)\s*(.*?)(?:,? we can conclude that your requirements are unsatisfiable|hint:|$)/i.exec(
      text,
    )
  return (cause?.[1] ?? '').trim().slice(0, 600)
}

function hostIn(text: string): string | undefined {
  const url = /https?:\/\/[^\s`)]+/.exec(text)?.[0]
  return url === undefined
    ? undefined
    : `It was asked at ${url.replace(/:\/\/[^/@]*@/, '://').replace(/\?.*$/, '')}`
}

function failed(
  code: 'NETWORK' | 'DISK_FULL' | 'REQUIREMENTS_INVALID' | 'USAGE' | 'INSTALL_FAILED' | 'WHEEL_PLATFORM',
  message: string,
  why: string | undefined,
  { fix }: { fix: string },
): ThampiError {
  return new ThampiError(code, { message, why, fix })
}
