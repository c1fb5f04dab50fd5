/** How an error reads: what, why, Fix, and the code with its page. Never a stack for a mistake of the user. */
import { docsPage, ThampiError } from '../errors.ts'
import { explainFileError } from '../system/files.ts'
import type { Output } from './output.ts'
import { plainText } from './plain-text.ts'

/** Says what went wrong in the manner that was asked for, and gives the exit status. */
export function report(error: unknown, output: Output): number {
  const known = asKnown(error)
  if (output.manner.json) output.document(errorDocument(known))
  else output.say(`${errorLines(known, output).join('\n')}\n`)
  if (output.manner.verbose) output.say(`${plainText(stackOf(error))}\n`)
  return known.exit
}

/** The document that stands on stdout instead of a result. */
export function errorDocument(error: ThampiError): unknown {
  return {
    error: {
      code: error.code,
      message: plainText(error.why === undefined ? error.message : `${error.message} ${error.why}`),
      hint: error.fix === undefined ? null : plainText(error.fix),
      docs: docsPage(error.code),
    },
    ...(error.problem === undefined ? {} : { problem: error.problem }),
  }
}

function errorLines(error: ThampiError, output: Output): string[] {
  const lines = [output.onErr('red', plainText(error.message))]
  if (error.why !== undefined) lines.push(plainText(error.why))
  if (error.fix !== undefined) lines.push(`${output.onErr('bold', 'Fix:')} ${plainText(error.fix)}`)
  lines.push(output.onErr('dim', `${error.code} · ${docsPage(error.code)}`))
  return lines
}

/** Whatever was thrown, as an error with a code. */
function asKnown(error: unknown): ThampiError {
  if (error instanceof ThampiError) return error
  if (error instanceof Error && 'path' in error && typeof error.path === 'string') {
    const explained = explainFileError(error, error.path)
    if (explained instanceof ThampiError) return explained
  }
  const said = error instanceof Error ? error.message : String(error)
  return new ThampiError('INTERNAL', {
    message: `This should not have happened: ${said || 'an error without a message'}`,
    fix: 'run the same command with --verbose and send us what it prints',
    cause: error,
  })
}

function stackOf(error: unknown): string {
  const parts: string[] = []
  for (
    let at = error;
    at !== undefined && parts.length < 8;
    at = at instanceof Error ? at.cause : undefined
  ) {
    parts.push(at instanceof Error ? (at.stack ?? at.message) : String(at))
  }
  return parts.join('\nCaused by: ')
}
