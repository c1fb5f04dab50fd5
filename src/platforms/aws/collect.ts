/** What no stage needs any more: old versions, layers and objects. */
import type { Corner } from './account.ts'
import { changeState, describedVersions, readRecord, readState, type StageState } from './bucket/records.ts'
import { ifThere } from './client/trouble.ts'
import { readPointer } from './function/alias.ts'
import { removeLayer } from './function/ensure-layer.ts'
import { blobPrefix } from './names.ts'

/** Keeps the newest `retained` versions, and always those with traffic and the one before them. */
export async function collect(corner: Corner, retained: number): Promise<void> {
  const [versions, pointer, { routed }] = await Promise.all([
    describedVersions(corner),
    readPointer(corner),
    readState(corner),
  ])
  const live = [...(pointer?.weights.keys() ?? [])]
  const newest = Math.max(...live)
  const previous = routed.filter(number => number < newest).at(-1)
  const had = versions.filter(({ number }) => routed.includes(number)).map(({ number }) => number)
  const kept = new Set([...had.slice(-retained), ...live, previous])
  const old = versions.filter(({ number }) => !kept.has(number) && number < newest)
  if (old.length === 0) return
  for (const { number } of old) await removeVersion(corner, number)
  await forget(
    corner,
    versions.filter(version => !old.includes(version)).map(({ number }) => number),
  )
}

export async function removeVersion({ cloud, names, store }: Corner, number: number): Promise<void> {
  const lambda = await cloud.lambda()
  await ifThere(lambda.deleteFunction({ FunctionName: names.function, Qualifier: String(number) }))
  await store.remove(names.versionKey(number))
}

/** Layers and objects that only versions needed which are gone. */
async function forget(corner: Corner, numbers: readonly number[]): Promise<void> {
  const records = await Promise.all(numbers.map(number => readRecord(corner, number)))
  // A version whose record was lost may need anything.
  if (records.some(record => record === undefined)) return
  const needed = new Set(records.flatMap(record => record?.uses ?? []))
  const reads = new Set(records.flatMap(record => record?.reads ?? []))
  const before = await readState(corner)
  const after = await changeState(corner, state => ({
    ...state,
    uses: state.uses.filter(used => needed.has(used)),
    // The role is narrowed by the next release.
    ...(state.reads ? { reads: state.reads.filter(object => reads.has(object)) } : {}),
    routed: state.routed.filter(number => numbers.includes(number)),
  }))
  await removeUnused(
    corner,
    before.uses.filter(used => !after.uses.includes(used)),
  )
}

/** Gives those that another stage uses as well, which stay. */
export async function removeUnused(corner: Corner, uses: readonly string[]): Promise<readonly string[]> {
  if (uses.length === 0) return []
  const others = await usedByOthers(corner)
  for (const used of uses.filter(candidate => !others.has(candidate))) {
    if (used.startsWith(blobPrefix)) await corner.store.remove(used)
    else await removeLayer(corner, used)
  }
  return uses.filter(used => others.has(used))
}

/** Every stage that shares the bucket notes what it uses before it relies on it. */
async function usedByOthers({ store, names }: Corner): Promise<Set<string>> {
  const keys = (await store.list('thampi/')).filter(
    key => key.endsWith('/state.json') && key !== names.stateKey,
  )
  const states = await Promise.all(keys.map(key => store.get<StageState>(key)))
  return new Set(states.flatMap(found => found?.value.uses ?? []))
}
