/** What a host answers beside predictions. Whoever has another page adds it to this list. */
import { healthPages, type StageHealth } from '../../gateway/health.ts'
import { exposition, expositionType } from '../../gateway/metrics.ts'
import type { Page } from '../../gateway/page.ts'
import { playgroundPages } from '../../gateway/playground.ts'
import { protocolPages } from '../../gateway/protocols.ts'
import { version } from '../../system/version.ts'
import type { Host } from './host.ts'
import { versionFamilies } from './metrics.ts'
import { playgroundOf } from './playground.ts'
import { protocolsOf } from './protocols.ts'
import { healthOf, meteredOf } from './stage-report.ts'

export function pagesOf(host: Host): Page[] {
  const stages = (): StageHealth[] => servedOf(host).map(stage => healthOf(stage.key, stage.running()))
  return [
    ...healthPages({ version, stages }),
    ...protocolPages({ version, stages, ...protocolsOf(host) }),
    ...playgroundPages(playgroundOf(host)),
    {
      template: '/metrics',
      method: 'GET',
      answer: () => ({ status: 200, contentType: expositionType, body: metricsOf(host) }),
    },
  ]
}

function metricsOf(host: Host): string {
  const versions = servedOf(host).flatMap(stage => meteredOf(stage.key, stage.running()))
  return exposition([host.counts.family(), ...versionFamilies(versions)])
}

function servedOf(host: Host): Host['stages'] {
  return host.stages.filter(stage => stage.isServed)
}
