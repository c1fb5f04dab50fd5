/** Something that stands between the platform and AWS: it notes what passes, or answers in AWS's place. */
import type { AnyClient } from './calls.ts'

/** A status; undefined: no answer came; `imagined`: the address is there only in a rehearsal. */
export type Visit = number | undefined | 'imagined'

export interface Between {
  /** Is given each client before its first call; `service` is what permissions begin with. */
  stand(client: AnyClient, service: string): void
  /** Someone asks for an address of the stage; `ask` gives the status of its answer, undefined when there is none. */
  visit(url: string, ask: () => Promise<number | undefined>): Promise<Visit>
}
