/** `thampi open`: the address of the page. No browser is started with it: other users could read it in its arguments. */
import { open } from '../../open.ts'
import { engineFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'

export async function openCommand(stage: string | undefined, session: Session): Done {
  const { output } = session
  const address = await open(stage, await engineFor(session))
  if (output.manner.json) output.document({ page: address })
  else output.result(address)
  output.hint('Who has this address may move traffic. It ends with the local platform.')
  return 0
}
