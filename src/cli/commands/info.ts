/** `thampi info`: what a stage is now. Printed as the Python dict that the original printed. */
import { info } from '../../info.ts'
import type { Deployment } from '../../platforms/platform.ts'
import { engineFor } from '../engine.ts'
import { pprintJson } from '../pprint.ts'
import type { Done, Session } from '../session.ts'

export async function infoCommand(stage: string | undefined, session: Session): Done {
  const { output } = session
  const deployment = await info(stage, await engineFor(session))
  const whole = deploymentDocument(deployment)
  if (output.manner.json) output.document(whole)
  else output.result(pprintJson(JSON.stringify(output.manner.verbose ? whole : { url: deployment.url })))
  return 0
}

/** A deployment as it is written for programs. */
export interface DeploymentDocument {
  readonly url: string
  readonly stage: string
  readonly model: string
  readonly served_time_utc: string
  readonly versions: readonly { readonly version: number; readonly weight: number }[]
}

export function deploymentDocument(deployment: Deployment): DeploymentDocument {
  return {
    url: deployment.url,
    stage: deployment.stage,
    model: deployment.model,
    served_time_utc: deployment.servedTimeUtc,
    versions: [...deployment.weights].map(([version, weight]) => ({ version, weight })),
  }
}
