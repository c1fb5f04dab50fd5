/** Whose line threw: the innermost frame that is the user's own, not a library's, not Node's and not ours. */

const messageLimit = 2_000
const traceLimit = 16_000

/** The model called `process.exit`. */
export class ExitCalled extends Error {
  override readonly name = 'ExitCalled'
  readonly status: number | string | null | undefined

  constructor(status: number | string | null | undefined) {
    super(`the model called process.exit(${status ?? ''})`)
    this.status = status
  }
}

/** `TypeError in iris.ts:12, \`predict\`: the message`, shortened; never throws. */
export function describe(error: unknown): string {
  if (!isError(error)) return `the model threw ${inWords(error)}, which is not an Error`
  const line = whoseLine(error)
  const message = messageOf(error)
  return `${nameOf(error)}${line && ` in ${line}`}${message && `: ${message}`}`
}

/** For the log: the line of `describe`, then the stack from the user's code on; never throws. */
export function report(error: unknown): string {
  const frames = isError(error) ? framesOf(error).filter(line => !isOurs(line)) : []
  const text = [describe(error), ...frames].join('\n')
  return text.length <= traceLimit
    ? text
    : `${text.slice(0, traceLimit)} … (${text.length.toLocaleString('en')} characters)`
}

/** An error's own words, shortened; never throws. */
export function messageOf(error: unknown): string {
  let message: string
  try {
    message = isError(error) ? String(error.message) : inWords(error)
  } catch {
    return '(its message cannot be made)'
  }
  return message.length <= messageLimit
    ? message
    : `${message.slice(0, messageLimit)} … (${message.length.toLocaleString('en')} characters)`
}

/** The stack as it is, for `failed`; undefined when there is none. */
export function traceOf(error: unknown): string | undefined {
  if (!isError(error)) return undefined
  return [`${nameOf(error)}: ${messageOf(error)}`, ...framesOf(error)].join('\n').slice(0, traceLimit)
}

/** `iris.ts:12, \`predict\``, or an empty text when no frame is known. */
function whoseLine(error: Error): string {
  for (const line of framesOf(error)) {
    if (isOurs(line) || line.includes('/node_modules/')) continue
    const found = frame.exec(line)
    if (!found) continue
    const [, name, path, number] = found as unknown as [string, string | undefined, string, string]
    const method = name
      ?.replace(/^(?:async|new) /, '')
      .replace(/^.*\.(?=[^.]+$)/, '')
      .replace(/ \[as .*$/, '')
    return `${path.replace(/^.*[\\/]/, '')}:${number}${method && method !== '<anonymous>' ? `, \`${method}\`` : ''}`
  }
  return ''
}

/** `    at async Iris.predict (file:///…/iris.ts:12:5)`, or without a name and parentheses. */
const frame = /^ +at (?:(.+?) \()?(?:file:\/\/)?([^()]*?):(\d+)(?::\d+)?\)?$/

function framesOf(error: Error): string[] {
  try {
    return String(error.stack)
      .split('\n')
      .filter(line => /^ +at /.test(line))
  } catch {
    return []
  }
}

/** This very file travels in one piece with the rest of the runtime. */
const here = import.meta.url

function isOurs(line: string): boolean {
  return (
    line.includes(here) ||
    line.includes('node:') ||
    line.includes('(native)') ||
    line.includes('<anonymous>)')
  )
}

/** A name of its own, else that of its class: `class WrongUnit extends Error {}` says no name. */
function nameOf(error: Error): string {
  try {
    return error.name === 'Error' ? error.constructor.name || 'Error' : String(error.name)
  } catch {
    return 'Error'
  }
}

export function isError(value: unknown): value is Error {
  return value instanceof Error
}

/** Something thrown that is no Error. */
function inWords(value: unknown): string {
  try {
    return typeof value === 'string'
      ? JSON.stringify(value)
      : typeof value === 'object'
        ? (JSON.stringify(value) ?? 'an object')
        : String(value)
  } catch {
    return `a ${typeof value}`
  }
}
