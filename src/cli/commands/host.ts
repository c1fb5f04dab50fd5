/** `thampi host`: the local platform in this terminal, until Ctrl-C or SIGTERM. */
import { host } from '../../host.ts'
import { layout } from '../../platforms/local/layout.ts'
import { stopHost } from '../../platforms/local/start-host.ts'
import { systemFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'

interface HostFlags {
  readonly port?: number
  /** Given by the command that starts it, never by a person. */
  readonly background?: true
  readonly stop?: true
}

export async function hostCommand({ port, background, stop }: HostFlags, session: Session): Done {
  const system = systemFor(session)
  if (stop) {
    await stopHost(layout(system.places.state))
    return 0
  }
  const terminated = new AbortController()
  process.once('SIGTERM', () => terminated.abort())
  const signal = AbortSignal.any([session.interrupts(), terminated.signal])
  await host({ port, background: background === true, signal }, system)
  return 0
}
