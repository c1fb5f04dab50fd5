/** `thampi lock`: the lock on stdout, or in a file and its name on stdout. */
import type { LockOptions } from '../../lock.ts'
import { packingEngine } from '../engine.ts'
import type { Done, Session } from '../session.ts'

export async function lockCommand(stage: string | undefined, flags: LockOptions, session: Session): Done {
  const { output } = session
  const { lockStage } = await import('../../lock.ts')
  const { lock, written, notices } = await lockStage(
    stage,
    flags,
    await packingEngine(flags.modelDir, session),
  )
  for (const notice of notices) output.step(notice)
  if (output.manner.json) {
    const { digest, by, wheels } = lock
    output.document({ digest, by, output: written ?? null, wheels })
  } else {
    output.result(written ?? lock.text.trimEnd())
  }
  const count = lock.wheels.length
  output.hint(`${count} ${count === 1 ? 'wheel' : 'wheels'}, resolved with ${lock.by}.`)
  return 0
}
