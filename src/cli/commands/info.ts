/** `thampi info`: what a stage is now. Printed as the Python dict that the original printed. */
import { details, info, type StageDetails } from '../../info.ts'
import type { Proof } from '../../model/proof.ts'
import type { Address, Callers, Deployment } from '../../platforms/platform.ts'
import { engineFor } from '../engine.ts'
import { pprintJson } from '../pprint.ts'
import type { Done, Session } from '../session.ts'

export async function infoCommand(stage: string | undefined, session: Session): Done {
  const { output } = session
  const engine = await engineFor(session)
  if (output.manner.json) output.document(detailsDocument(await details(stage, engine)))
  else if (output.manner.verbose)
    output.result(pprintJson(JSON.stringify(detailsDocument(await details(stage, engine)))))
  else output.result(pprintJson(JSON.stringify({ url: (await info(stage, engine)).url })))
  return 0
}

function detailsDocument({ deployment, proof, schema, likeness }: StageDetails): object {
  const version = { like_lambda: likeness, receipts: proof && proofDocument(proof), schema }
  return { ...deploymentDocument(deployment), ...version }
}

/** How a version answered the recorded examples, as it is written for programs. */
export function proofDocument({ examples, provenTimeUtc, maxDeviation, latencyMs }: Proof): object {
  return { examples, replayed_time_utc: provenTimeUtc, max_deviation: maxDeviation, latency_ms: latencyMs }
}

/** A deployment as it is written for programs. */
export interface DeploymentDocument {
  readonly url: string
  /** What callers of that URL bring; absent where it is nothing but, when the settings want one, an API key. */
  readonly callers?: Callers | undefined
  readonly other_addresses?: readonly Address[] | undefined
  readonly stage: string
  readonly model: string
  readonly served_time_utc: string
  readonly versions: readonly { readonly version: number; readonly weight: number }[]
}

export function deploymentDocument(deployment: Deployment): DeploymentDocument {
  return {
    url: deployment.url,
    callers: deployment.callers,
    other_addresses: deployment.otherAddresses,
    stage: deployment.stage,
    model: deployment.model,
    served_time_utc: deployment.servedTimeUtc,
    versions: [...deployment.weights].map(([version, weight]) => ({ version, weight })),
  }
}
