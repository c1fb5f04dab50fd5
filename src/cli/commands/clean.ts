/** `thampi clean`: shows what would go, asks in the original's words, deletes. */
import { clean, planClean } from '../../clean.ts'
import { confirm } from '../ask.ts'
import { engineFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'
import { declined } from './undeploy.ts'

interface CleanFlags {
  readonly scope: 'project' | 'all'
  readonly yes?: true
  readonly dryRun?: true
  readonly force?: true
}

export async function cleanCommand(flags: CleanFlags, session: Session): Done {
  const { output } = session
  const plan = await planClean(flags.scope, { force: flags.force === true }, await engineFor(session))
  if (flags.dryRun) {
    if (output.manner.json) output.document({ dry_run: true, paths: plan.paths })
    else if (plan.paths.length > 0) output.result(plan.paths.join('\n'))
    else output.hint('There is nothing to delete.')
    return 0
  }
  if (!flags.yes && !(await confirm(plan.prompt, '--yes', session))) return declined(session)
  await clean(plan)
  if (output.manner.json) output.document({ removed: true, paths: plan.paths })
  else output.hint(plan.paths.length === 0 ? 'There was nothing to delete.' : 'Done!')
  return 0
}
