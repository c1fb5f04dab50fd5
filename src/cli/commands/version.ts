/** `thampi version`: of the command, of the Python package it works with, and of Node. */

import { sdkVersion } from '../../doctor.ts'
import { findPython } from '../../system/python.ts'
import { version } from '../../system/version.ts'
import { systemFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'

export async function versionCommand(session: Session): Done {
  const { output } = session
  if (!output.manner.json) {
    output.result(`thampi ${version}`)
    return 0
  }
  const system = { ...systemFor(session), tell: () => {} }
  const python = await findPython(system).catch(() => undefined)
  const sdk = python === undefined ? undefined : await sdkVersion(python.path, system)
  output.document({ cli: version, sdk: sdk ?? null, node: process.versions.node })
  return 0
}
