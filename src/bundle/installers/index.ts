/** The installers by the names that settings files use. */
import type { InstallerName } from '../../settings/stage.ts'
import { conda } from './conda.ts'
import type { Installer } from './installer.ts'
import { pip } from './pip.ts'

export const installers: Readonly<Record<InstallerName, Installer>> = { pip, conda }
