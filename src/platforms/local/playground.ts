/** The host's side of the playground: what the page shows, and the traffic that its owner moves there. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openApi } from '../../api/openapi.ts'
import type { Playground, RouteRefusal, ServedModel } from '../../gateway/playground.ts'
import { installation } from '../../system/package.ts'
import { apiOf } from './describe.ts'
import type { Host } from './host.ts'
import type { ServedStage } from './served-stage.ts'
import { healthOf } from './stage-report.ts'

export function playgroundOf(host: Host): Playground {
  const find = (of: ServedModel): ServedStage | undefined => {
    const stage = host.find(of)
    return stage?.isServed ? stage : undefined
  }
  return {
    token: host.token,
    file: name => readFile(join(installation().playgroundDir, name)),
    stages: () => host.stages.filter(({ isServed }) => isServed).map(stage => overview(host, stage)),
    access: of => {
      const stage = find(of)
      return stage && { keys: stage.keys, isOpen: !isTerse(stage) }
    },
    status: async (of, whole) => {
      const stage = find(of)
      return stage && status(host, stage, whole)
    },
    openApi: async ({ version, ...of }, whole) => {
      const stage = find(of)
      const record = stage && (await stage.version(version ?? mostOf(stage)))
      if (!record) return undefined
      const api = await apiOf(host.at, record, host.url)
      return openApi(whole ? api : { ...api, schema: undefined, examples: [] })
    },
    route: (of, version) => route(host, find(of), version),
  }
}

/** What its settings keep from callers who make mistakes, its pages do not tell either. */
function isTerse(stage: ServedStage): boolean {
  return stage.running().some(({ weight, pool }) => weight > 0 && pool.record.settings.errors === 'terse')
}

/** The version with most of the traffic, the newer one of two equals. */
export function mostOf({ weights }: ServedStage): number {
  const [most] = [...weights].sort(([a, share], [b, other]) => other - share || b - a)
  return most?.[0] ?? 0
}

function overview(host: Host, { key, weights }: ServedStage): ServedModel {
  const versions = [...weights].map(([number, weight]) => ({ number, weight }))
  return { ...key, url: host.urlOf(key), versions } as ServedModel
}

async function status(host: Host, stage: ServedStage, whole: boolean): Promise<unknown> {
  const running = new Map(stage.running().map(one => [one.number, one]))
  const { weights } = stage
  const versions = (await stage.numbers()).map(async number => {
    const record = await stage.version(number)
    const { requests, errors, p50Ms, p99Ms, requestsBySlot, p99MsBySlot } =
      running.get(number)?.meter.recent.summary(Date.now()) ?? {}
    return {
      ...{ number, weight: weights.get(number) ?? 0, wasRouted: stage.wasRouted(number) },
      ...{ servedTimeUtc: record?.servedTimeUtc, trainedTimeUtc: record?.properties.trained_time_utc },
      ...{ by: record?.by, commit: record?.commit },
      figures: requestsBySlot && { requests, errors, p50Ms, p99Ms, requestsBySlot, p99MsBySlot },
    }
  })
  const record = whole ? await stage.version(mostOf(stage)) : undefined
  const examples = record ? (await apiOf(host.at, record, host.url)).examples : []
  return {
    ...stage.key,
    state: healthOf(stage.key, [...running.values()]).state,
    examples: examples.map(({ data }) => data),
    versions: await Promise.all(versions),
  }
}

async function route(
  host: Host,
  stage: ServedStage | undefined,
  version: number,
): Promise<RouteRefusal | undefined> {
  if (!stage) return { code: 'no-such-model', detail: 'Nothing is served here.' }
  if (!stage.wasRouted(version) || !(await stage.version(version))) {
    const detail = `Version ${version} is none that had traffic before, or it is no longer kept.`
    return { code: 'no-such-version', detail }
  }
  const deployer = host.turns.get(`${stage.key.stage}/${stage.key.model}`)
  if (deployer !== undefined) {
    return { code: 'deploy-in-progress', detail: `The stage is being deployed by ${deployer}.` }
  }
  // How many versions are kept is a matter of the settings, which are not at hand here: so all are.
  await stage.route([[version, 100]], Number.POSITIVE_INFINITY)
  return undefined
}
