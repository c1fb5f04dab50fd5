/** `thampi iam print`: the policy that deploying needs, for whoever gives permissions. */
import { permissions } from '../../iam.ts'
import { engineFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'

export async function iamCommand(stage: string | undefined, session: Session): Done {
  const { output } = session
  const engine = await engineFor(session)
  // A policy is one document already, whatever the manner.
  output.document(await permissions(stage ?? firstOnAws(engine.settings.stageNames, engine), engine))
  output.hint('Give it to the user or the role that deploys, as a policy of its own.')
  return 0
}

/** Who asks for a policy means a stage that needs one. */
function firstOnAws(
  names: readonly string[],
  { settings }: Awaited<ReturnType<typeof engineFor>>,
): string | undefined {
  return names.find(name => settings.stage(name).platform === 'aws')
}
