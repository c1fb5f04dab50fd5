/** Every figure of the suite, in order. A new one is a file here and a line below. */
import type { Figure } from '../figure.ts'
import { killSandboxes } from './G01-kill-sandboxes.ts'
import { atMostOnce } from './G02-at-most-once.ts'
import { stopSandboxes } from './G03-stop-sandboxes.ts'
import { killHost } from './G04-kill-host.ts'
import { switchVersions } from './G05-switch.ts'
import { tornState } from './G06-torn-state.ts'
import { killDeployer } from './G07-deployer.ts'
import { damagedArtifacts } from './G08-damaged-artifacts.ts'
import { hostileHttp } from './G09-hostile-http.ts'
import { connections } from './G10-connections.ts'
import { overload } from './G11-overload.ts'
import { rushOfFirstRequests } from './G12-rush.ts'
import { poison } from './G14-poison.ts'
import { secrets } from './G16-secrets.ts'
import { webPages } from './G17-web-pages.ts'
import { hostileArchives } from './G18-hostile-archives.ts'
import { failingDisk } from './G19-failing-disk.ts'
import { jumpingClock } from './G20-clock.ts'
import { racingOnAws } from './G21-aws-races.ts'
import { racingDeployers } from './G21-races.ts'

export const figures: readonly Figure[] = [
  killSandboxes,
  atMostOnce,
  stopSandboxes,
  killHost,
  switchVersions,
  tornState,
  killDeployer,
  damagedArtifacts,
  hostileHttp,
  connections,
  overload,
  rushOfFirstRequests,
  poison,
  secrets,
  webPages,
  hostileArchives,
  failingDisk,
  jumpingClock,
  racingDeployers,
  racingOnAws,
]
