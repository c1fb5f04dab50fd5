/** `thampi versions`: a table of releases, the newest last. */
import type { Version } from '../../platforms/platform.ts'
import { listVersions } from '../../versions.ts'
import { engineFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'
import { proofDocument } from './info.ts'

export async function versionsCommand(stage: string | undefined, session: Session): Done {
  const { output } = session
  const { deployment, versions } = await listVersions(stage, await engineFor(session))
  const weightOf = ({ number }: Version): number => deployment?.weights.get(number) ?? 0
  if (output.manner.json) {
    const documents = versions.map(version => {
      const weight = weightOf(version)
      return { ...documentOf(version), state: stateOf(version, weight), weight }
    })
    output.document(documents)
    return 0
  }
  if (versions.length === 0) output.hint('There are no versions.')
  for (const version of versions) {
    const { number, servedTimeUtc, bundle, commit = '', by = '' } = version
    const weight = weightOf(version)
    const state = weight > 0 ? `${stateOf(version, weight)} ${weight} %` : stateOf(version, weight)
    const digest = bundle.replace('sha256:', '').slice(0, 12)
    const time = servedTimeUtc.slice(0, 19)
    output.result(
      `${String(number).padStart(4)}  ${state.padEnd(stateWidth)}  ${time}  ${digest}  ${commit.padEnd(13)}  ${by}`.trimEnd(),
    )
  }
  return 0
}

/** As wide as `routed 100 %`. */
const stateWidth = 12

/** Kept: it had traffic and can have it again. Released: it never had any. */
function stateOf({ hasFailed, wasRouted }: Version, weight: number): string {
  if (hasFailed) return 'failed'
  if (weight > 0) return 'routed'
  return wasRouted ? 'kept' : 'released'
}

function documentOf(version: Version): object {
  const { number, servedTimeUtc, bundle, instanceId, properties, by, commit, proof, likeness } = version
  const release = { version: number, served_time_utc: servedTimeUtc, bundle, instance_id: instanceId }
  return {
    ...release,
    properties,
    by,
    commit,
    like_lambda: likeness,
    receipts: proof && proofDocument(proof),
  }
}
