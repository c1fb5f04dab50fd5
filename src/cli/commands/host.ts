/** `thampi host`: the local platform in this terminal, until Ctrl-C or SIGTERM. */
import { host } from '../../host.ts'
import { systemFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'

interface HostFlags {
  readonly port?: number
}

export async function hostCommand({ port }: HostFlags, session: Session): Done {
  const stop = new AbortController()
  process.once('SIGTERM', () => stop.abort())
  const signal = AbortSignal.any([session.interrupts(), stop.signal])
  await host({ ...(port === undefined ? {} : { port }), foreground: true, signal }, systemFor(session))
  return 0
}
