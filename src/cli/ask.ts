/** A question with a yes or a no, asked on a terminal or answered through a pipe. */
import { createInterface } from 'node:readline'
import type { Session } from './session.ts'
import { usage } from './usage.ts'

/**
 * Asks on stderr, so that stdout keeps only results. Nothing but `y` is a yes.
 *
 * @throws ThampiError `USAGE` naming `flag` when nobody can answer
 */
export async function confirm(question: string, flag: string, session: Session): Promise<boolean> {
  if (!session.mayAsk) throw unanswered(flag)
  session.output.say(question)
  const answer = await firstLine()
  if (answer === undefined) {
    session.output.say('\n')
    throw unanswered(flag)
  }
  return answer.trim() === 'y'
}

/** Not in terminal mode: the system keeps echoing and turns Ctrl-C into a signal. */
async function firstLine(): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, terminal: false })
  try {
    for await (const line of lines) return line
    return undefined
  } finally {
    lines.close()
    process.stdin.unref?.()
  }
}

function unanswered(flag: string) {
  return usage(`Nobody is there to say yes: ${flag} is missing.`, `the same command with ${flag}`)
}
