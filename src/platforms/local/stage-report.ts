/** How a stage does, told three times: to anybody, to its owner, to Prometheus. */
import { type StageHealth, worst } from '../../gateway/health.ts'
import type { Usage } from '../../sandbox/usage.ts'
import type { ProcessStatus, VersionStatus } from '../platform.ts'
import type { StageKey } from './layout.ts'
import type { Meter } from './meter.ts'
import type { Metered } from './metrics.ts'
import type { VersionPool } from './version-pool.ts'

/** A version that has traffic, or was asked by its number. */
export interface Running {
  readonly number: number
  /** Percent of the traffic. */
  readonly weight: number
  readonly pool: VersionPool
  readonly meter: Meter
}

/** What anybody may know. */
export function healthOf(key: StageKey, running: readonly Running[]): StageHealth {
  const versions = running.map(({ number, weight, pool }) => ({
    ...{ version: number, weight, state: pool.roster.state(pool.queued) },
    sandboxes: pool.roster.ready,
  }))
  const routed = versions.filter(({ weight }) => weight > 0)
  return { ...key, state: worst(routed.map(({ state }) => state)), versions }
}

/** What the owner may know. */
export async function statusOf(
  key: StageKey,
  url: string,
  running: readonly Running[],
  readUsage: (pid: number) => Promise<Usage | undefined>,
): Promise<ProcessStatus> {
  const nowMs = Date.now()
  const versions = await Promise.all(
    running.map(
      async ({ number, weight, pool: { roster, queued }, meter }): Promise<VersionStatus> => ({
        ...{ number, weight, state: roster.state(queued), queued, inFlight: roster.inFlight },
        ...meter.recent.summary(nowMs),
        restarts: meter.restarts,
        lastError: roster.failed?.message,
        sandboxes: await roster.sandboxes(readUsage),
      }),
    ),
  )
  return { kind: 'processes', ...key, url, state: healthOf(key, running).state, versions }
}

/** What versions counted, for the metrics. */
export function meteredOf(key: StageKey, running: readonly Running[]): Metered[] {
  return running.map(({ number, pool, meter }) => ({
    ...{ ...key, version: number, instanceId: pool.record.properties.instance_id },
    ...{ inFlight: pool.roster.inFlight, queued: pool.queued, meter },
  }))
}
