/** Errors as the command line prints them. */
import { Output } from '../../src/cli/output.ts'
import { report } from '../../src/cli/report.ts'

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
