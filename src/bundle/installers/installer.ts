/** An installer turns requirements into an environment of this machine. */
import type { InstallerName } from '../../settings/stage.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import type { LocalEnvironment } from '../bundle.ts'
import type { Requirements } from '../requirements.ts'

export interface Installer {
  readonly name: InstallerName
  /**
   * The same requirements and Python give the same environment again, without installing anything.
   *
   * @throws ThampiError INSTALL_FAILED, REQUIREMENTS_INVALID, DISK_FULL, PERMISSION
   */
  install(requirements: Requirements, python: PythonFound, system: System): Promise<LocalEnvironment>
}
