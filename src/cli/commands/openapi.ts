/** `thampi openapi`: the document on stdout. */
import { openapi } from '../../openapi.ts'
import { engineFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'

export async function openapiCommand(stage: string | undefined, session: Session): Done {
  // It is a JSON document already, with or without --json.
  session.output.result((await openapi(stage, await engineFor(session))).trimEnd())
  return 0
}
