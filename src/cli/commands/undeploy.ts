/** `thampi undeploy`: asks, stops serving, lists what is left. */
import { undeploy } from '../../undeploy.ts'
import { confirm } from '../ask.ts'
import { engineFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'

interface UndeployFlags {
  readonly yes?: true
  readonly removeLogs?: true
}

export async function undeployCommand(
  stage: string | undefined,
  flags: UndeployFlags,
  session: Session,
): Done {
  const { output } = session
  const engine = await engineFor(session)
  // A wrong name should be heard of before the question.
  const { name } = engine.settings.stage(stage)
  if (!flags.yes && !(await confirm('Are you sure you want to undeploy? [y/n] ', '--yes', session))) {
    return declined(session)
  }
  const { removed, left } = await undeploy(name, { removeLogs: flags.removeLogs === true }, engine)
  if (output.manner.json) {
    output.document({ stage: name, removed, left })
    return 0
  }
  if (!removed) output.hint(`Nothing was served on ${name}.`)
  if (left.length > 0) output.hint(`Left behind:\n${left.map(thing => `  ${thing}`).join('\n')}`)
  output.result('Done!')
  return 0
}

/** A "no" is an answer, not an error. */
export function declined(session: Session): number {
  if (session.output.manner.json) session.output.document({ removed: false })
  else session.output.hint('Nothing was changed.')
  return 0
}
