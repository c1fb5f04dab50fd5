/** `thampi init`: the transcript on stdout, as published; with `--json` on stderr, so that stdout stays a document. */
import { type InitAnswers, init } from '../../init.ts'
import { findPython } from '../../system/python.ts'
import { systemFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'

type InitFlags = Omit<InitAnswers, 'platform'>

export async function initCommand(flags: InitFlags, session: Session): Done {
  const { output } = session
  const silent = output.manner.json || output.manner.quiet
  const system = systemFor(session)
  const made = await init(
    { ...flags, platform: session.platform },
    {
      input: session.mayAsk ? process.stdin : nothing(),
      write: text => (silent ? output.say(text) : process.stdout.write(text)),
      color: !silent && output.colorOnOut,
      signal: session.interrupts(),
    },
    {
      system,
      // `init` must work before there is a Python; the settings then simply do not name one.
      pythonMinor: async () => (await findPython(system).catch(() => undefined))?.minor,
    },
  )
  if (output.manner.json) output.document({ path: made.path, stages: made.stages })
  return 0
}

async function* nothing(): AsyncGenerator<string> {}
