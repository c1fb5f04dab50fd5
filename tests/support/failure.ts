/** Errors: as they are thrown, and as the command line prints them. */
import { Output } from '../../src/cli/output.ts'
import { report } from '../../src/cli/report.ts'
import { ThampiError } from '../../src/errors.ts'

/** What a person reads in the terminal when this fails; it has to fail. */
export async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => {
      throw new Error('it went well')
    },
    (error: unknown) => error,
  )
  let said = ''
  const sink = { write: (text: string) => (said += text) }
  report(error, new Output({ json: false, quiet: false, verbose: false, color: 'never' }, {}, sink, sink))
  return said.trimEnd()
}

/** What is thrown, which has to be ours. */
export async function refusal(act: () => unknown): Promise<ThampiError> {
  try {
    await act()
  } catch (error) {
    if (error instanceof ThampiError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
