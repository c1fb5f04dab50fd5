/** A question with a yes or a no, asked on a terminal or answered through a pipe. */
import type { ThampiError } from '../errors.ts'
import { InputEnded, openDialogue } from '../system/dialogue.ts'
import type { Session } from './session.ts'
import { usage } from './usage.ts'

/**
 * Asks on stderr, so that stdout keeps only results. Nothing but `y` is a yes.
 *
 * @throws ThampiError `USAGE` naming `flag` when nobody can answer
 */
export async function confirm(question: string, flag: string, session: Session): Promise<boolean> {
  if (!session.mayAsk) throw unanswered(flag)
  const { output } = session
  const dialogue = openDialogue({ input: process.stdin, write: text => output.say(text), color: false })
  try {
    return (await dialogue.ask(question)).trim() === 'y'
  } catch (error) {
    throw error instanceof InputEnded ? unanswered(flag) : error
  } finally {
    dialogue.close()
  }
}

function unanswered(flag: string): ThampiError {
  return usage(`Nobody is there to say yes: ${flag} is missing.`, `the same command with ${flag}`)
}
