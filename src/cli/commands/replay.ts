/** `thampi replay`: what a kept request is answered with now, by the version that answered it then. */
import { debug, replay } from '../../replay.ts'
import { engineFor } from '../engine.ts'
import { indentedJson } from '../json-text.ts'
import { pprintJson } from '../pprint.ts'
import { report } from '../report.ts'
import type { Done, Session } from '../session.ts'
import { refused } from './predict.ts'

interface ReplayFlags {
  readonly pdb?: true
  readonly inspect?: true
}

export async function replayCommand(
  requestId: string,
  stage: string | undefined,
  { pdb, inspect }: ReplayFlags,
  session: Session,
): Done {
  const { output } = session
  const engine = await engineFor(session)
  if (pdb || inspect) {
    // Ctrl-C belongs to the debugger.
    session.interrupts()
    return debug(requestId, stage, pdb ? 'pdb' : 'inspect', engine)
  }
  const { recorded, answer } = await replay(requestId, stage, engine)
  const body = answer.body.toString('utf8')
  const then = `Version ${recorded.version} answered ${recorded.status} on ${recorded.timeUtc.slice(0, 19)}, now ${answer.status}.`
  output.hint(recorded.hidden ? `${then} Parts of the request are hidden, as the settings say.` : then)
  if (answer.status >= 400) return report(refused({ status: answer.status, body }), output)
  output.result(output.manner.json ? indentedJson(body) : pprintJson(body))
  return 0
}
