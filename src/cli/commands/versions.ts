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
    output.document(versions.map(version => ({ ...documentOf(version), weight: weightOf(version) })))
    return 0
  }
  if (versions.length === 0) output.hint('There are no versions.')
  for (const version of versions) {
    const { number, servedTimeUtc, bundle, commit = '', by = '' } = version
    const weight = weightOf(version)
    const share = weight > 0 ? `${weight} %` : ''
    const digest = bundle.replace('sha256:', '').slice(0, 12)
    const time = servedTimeUtc.slice(0, 19)
    output.result(
      `${String(number).padStart(4)}  ${share.padStart(5)}  ${time}  ${digest}  ${commit.padEnd(13)}  ${by}`.trimEnd(),
    )
  }
  return 0
}

function documentOf({ number, servedTimeUtc, bundle, instanceId, by, commit, proof }: Version): object {
  const release = { version: number, served_time_utc: servedTimeUtc, bundle, instance_id: instanceId }
  return { ...release, by, commit, receipts: proof && proofDocument(proof) }
}
