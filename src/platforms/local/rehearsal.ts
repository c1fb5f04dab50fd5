/** The local platform when it only pretends: what it would do is read off the disk, no host is started and none is asked to change anything. */
import { existsSync } from 'node:fs'
import type { Bundle } from '../../bundle/bundle.ts'
import type { Stage } from '../../settings/stage.ts'
import type { System } from '../../system/system.ts'
import type {
  Change,
  Deployment,
  Difference,
  Platform,
  Rehearsal,
  ReleaseOptions,
  Version,
  Weights,
} from '../platform.ts'
import { defaultPort, type Layout } from './layout.ts'
import {
  type CurrentRecord,
  type HostRecord,
  readRecord,
  type VersionRecord,
  versionsOnDisk,
} from './records.ts'
import { keyOf, releaseInput, storedArchive, storedLayers } from './release-input.ts'
import { numberAfter, type Released, sameRelease } from './same-release.ts'
import { runningHost } from './start-host.ts'

/** Of `real` it keeps what only looks. */
export function rehearse(real: Platform, at: Layout, system: System): Rehearsal {
  const changes: Change[] = []
  const note = (action: string, resource: string, more: Partial<Change> = {}): void => {
    changes.push({ action: `local:${action}`, resource, bytes: 0, differences: [], ...more })
  }
  const platform: Platform = {
    ...real,
    exclusively: async (_, work) => {
      if (!(await runningHost(at))) note('start-host', await addressOf(at))
      return work()
    },
    release: async (bundle, stage, options = {}) => {
      const found = await released(at, bundle, stage, options, system)
      if (found.isNew) noteRelease(bundle, found, at, note)
      return versionOf(found.record)
    },
    route: async (stage, weights) => {
      const before = await onDisk(at, stage)
      const [from, to] = [textOf(before.weights), textOf(weights)]
      note('route', `${stage.name}/${stage.model}`, { differences: [{ field: 'traffic', from, to }] })
      const gone = [...before.weights.keys()].filter(number => !weights.has(number))
      for (const number of gone) note('stop-processes', `${stage.name}/${stage.model}@${number}`)
      return deployment(at, stage, weights, '')
    },
    find: async stage => {
      const { weights, version } = await onDisk(at, stage)
      if (weights.size === 0) return undefined
      return deployment(at, stage, weights, (await version(Math.max(...weights.keys())))?.servedTimeUtc ?? '')
    },
    send: async () => ({ status: 200, body: Buffer.from('{}') }),
    // Both belong to a release.
    discard: async () => {},
    keepEvidence: async () => {},
    remove: async stage => {
      note('remove', `${stage.name}/${stage.model}`)
      return { removed: false, left: [] }
    },
    keys: undefined,
  }
  return { platform, changes }
}

interface Found {
  readonly record: VersionRecord
  /** Undefined when nothing is served yet. */
  readonly before: VersionRecord | undefined
  readonly isNew: boolean
}

async function released(
  at: Layout,
  bundle: Bundle,
  stage: Stage,
  options: ReleaseOptions,
  system: System,
): Promise<Found> {
  const { isTimeChosen, ...wanted } = releaseInput(bundle, stage, options, system)
  const there = await onDisk(at, stage)
  const same = await sameRelease(there, wanted, isTimeChosen)
  const [routed] = there.weights.keys()
  const before = routed === undefined ? undefined : await there.version(routed)
  if (same) return { record: same, before, isNew: false }
  return { record: { ...wanted, number: numberAfter(await there.numbers()) }, before, isNew: true }
}

type Note = (action: string, resource: string, more?: Partial<Change>) => void

function noteRelease(bundle: Bundle, { record, before }: Found, at: Layout, note: Note): void {
  for (const { kind, digest, files } of storedLayers(bundle)) {
    if (existsSync(at.layer(digest))) continue
    note('copy-layer', `${kind} ${digest}`, { bytes: files.reduce((sum, { size }) => sum + size, 0) })
  }
  const packages = storedArchive(bundle)
  if (packages && !existsSync(at.layer(packages.digest)))
    note('unpack-layer', `dependencies ${packages.digest}`, { bytes: packages.archive.unpackedBytes })
  const { stage, model, number } = record
  note('release', `${stage}/${model}@${number}`, { differences: differences(before, record) })
}

function differences(before: VersionRecord | undefined, after: VersionRecord): Difference[] {
  if (before === undefined) return []
  const fields = Object.entries(after.settings).flatMap(([field, value]): Difference[] => {
    const was = before.settings[field as keyof typeof before.settings]
    const [from, to] = [JSON.stringify(was) ?? '', JSON.stringify(value) ?? '']
    if (from === to) return []
    // Variables may be secrets.
    return field === 'environment' ? [{ field, from: '…', to: 'changed' }] : [{ field, from, to }]
  })
  const kinds = ['dependencies', 'runtime', 'code', 'model'] as const
  const layers = kinds.flatMap((field): Difference[] => {
    const [from, to] = [before.layers[field], after.layers[field]]
    return from === to ? [] : [{ field, from, to }]
  })
  return [...layers, ...fields]
}

/** What the host would read when it starts. */
async function onDisk(at: Layout, stage: Stage): Promise<Released> {
  const key = keyOf(stage)
  const pointer = await readRecord<CurrentRecord>(at.current(key))
  return {
    weights: new Map(pointer?.weights ?? []),
    numbers: () => versionsOnDisk(at, key),
    version: number => readRecord<VersionRecord>(at.version(key, number)),
    wasRouted: number => pointer?.routed.includes(number) === true,
    // Only a running host knows; it would try the version again in any case.
    hasFailed: () => false,
  }
}

function versionOf({ properties, ...record }: VersionRecord): Version {
  const { stage, model, number, bundle, servedTimeUtc } = record
  return { stage, model, number, bundle, servedTimeUtc, instanceId: properties.instance_id, properties }
}

async function deployment(
  at: Layout,
  stage: Stage,
  weights: Weights,
  servedTimeUtc: string,
): Promise<Deployment> {
  const key = keyOf(stage)
  const url = `${await addressOf(at)}/${key.stage}/${key.model}/predict`
  return { ...key, url, weights, servedTimeUtc }
}

/** Where the host answers, or answered last. */
async function addressOf(at: Layout): Promise<string> {
  const running = await runningHost(at)
  return (
    running?.url ?? `http://127.0.0.1:${(await readRecord<HostRecord>(at.hostFile))?.port ?? defaultPort}`
  )
}

/** As `thampi route` is told it. */
function textOf(weights: Weights): string {
  return [...weights].map(([number, percent]) => `${number}=${percent}`).join(' ') || 'nothing'
}
