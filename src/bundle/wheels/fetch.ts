/** The wheels of a lock onto this disk: several at a time, each once, whoever needs them. */
import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { explainFileError } from '../../system/files.ts'
import { openNetwork } from '../../system/network.ts'
import type { System } from '../../system/system.ts'
import { withLock } from '../installers/lock.ts'
import type { LockedWheel } from '../lock/lock.ts'
import { pipSettings } from '../pip-settings.ts'
import { type CacheEntry, entryOf, rememberWhole, sizeOfWhole } from './cache.ts'
import { credentialsOf } from './credentials.ts'
import { download, type Source } from './download.ts'
import { fetchFailed } from './explain.ts'
import { reportProgress } from './progress.ts'

/** A wheel that is on this disk, and is the one that was locked. */
export interface FetchedWheel extends LockedWheel {
  /** Absolute path of the file in the cache. Nobody may change it. */
  readonly path: string
  readonly bytes: number
}

const AT_A_TIME = 8

/**
 * Gives all wheels in the order of the lock. What is in the cache under its hash is not fetched; what a killed run left
 * is taken up where it stopped; two runs at a time fetch each wheel once.
 *
 * `whenHere` is told of each one that was fetched as soon as it is here, while others still come.
 *
 * Addresses `file:` are copied and checked like the others. Proxies, certificates and logins are those that pip and uv
 * use on this machine; a keyring is not asked.
 *
 * @throws ThampiError NETWORK naming the package and the host, INTEGRITY for other bytes than were locked, DISK_FULL, PERMISSION
 * @example
 * const [wheel] = await fetchWheels(lock.wheels, system)
 * wheel.path // '~/.cache/thampi/wheels/0b5a…/joblib-1.6.0-py3-none-any.whl', absolute
 */
export async function fetchWheels(
  wheels: readonly LockedWheel[],
  system: System,
  whenHere: (wheel: FetchedWheel) => void = () => {},
): Promise<readonly FetchedWheel[]> {
  const wanted = wheels.map(wheel => ({ wheel, entry: entryOf(wheel, system) }))
  const found = await all(wanted, ({ wheel, entry }) => whole(wheel, entry))
  const missing = wanted.filter((_, at) => found[at] === undefined)
  if (missing.length === 0) return found as FetchedWheel[]
  const fetched = await fetchAll(missing, system, whenHere)
  return wanted.map(({ entry }, at) => found[at] ?? (fetched.get(entry.file) as FetchedWheel))
}

interface Wanted {
  readonly wheel: LockedWheel
  readonly entry: CacheEntry
}

async function whole(wheel: LockedWheel, entry: CacheEntry): Promise<FetchedWheel | undefined> {
  const bytes = await sizeOfWhole(entry, wheel.sha256)
  return bytes === undefined ? undefined : { ...wheel, path: entry.file, bytes }
}

async function fetchAll(
  missing: readonly Wanted[],
  system: System,
  whenHere: (wheel: FetchedWheel) => void,
): Promise<ReadonlyMap<string, FetchedWheel>> {
  const { env } = system
  const pip = await pipSettings(env.VIRTUAL_ENV, system)
  const credentials = await credentialsOf(system)
  await makeRoot(missing)
  const network = openNetwork({
    env,
    proxy: pip.proxy,
    certificates: pip.cert,
    trusted: [...pip.trusted, ...(env.UV_INSECURE_HOST ?? '').split(/[\s,]+/)],
    silentMs: 1000 * numberOf(env.UV_HTTP_TIMEOUT || env.PIP_DEFAULT_TIMEOUT || env.PIP_TIMEOUT, 30),
    connections: AT_A_TIME,
  })
  const retries = Math.min(numberOf(env.UV_HTTP_RETRIES || env.PIP_RETRIES, 5), 10)
  const stop = new AbortController()
  const progress = reportProgress(
    missing.map(({ wheel }) => wheel),
    system,
  )
  try {
    const fetched = await all(missing, async ({ wheel, entry }) => {
      const arrived = (bytes: number): void => progress.arrived(wheel, bytes)
      const source = { network, credentials, retries, signal: stop.signal, arrived }
      const here = await fetchOne(wheel, entry, source, system).catch(error => {
        // The others would only go on for a command that has failed.
        stop.abort()
        throw fetchFailed(wheel, error, system)
      })
      whenHere(here)
      return here
    })
    progress.done()
    return new Map(fetched.map(wheel => [wheel.path, wheel]))
  } finally {
    progress.end()
    network.close()
  }
}

/** Waits when another process fetches the same. */
function fetchOne(
  wheel: LockedWheel,
  entry: CacheEntry,
  source: Source,
  { tell }: System,
): Promise<FetchedWheel> {
  const waiting = (pid: number): void =>
    tell(`waiting for another thampi (process ${pid}) that fetches ${wheel.file}`)
  return withLock(entry.lock, waiting, async () => {
    source.signal.throwIfAborted()
    const meanwhile = await whole(wheel, entry)
    if (meanwhile) return meanwhile
    await rm(entry.file, { force: true })
    await download(wheel, entry, source)
    return { ...wheel, path: entry.file, bytes: await rememberWhole(entry) }
  })
}

/** Where the locks stand, beside the directories of the wheels. */
async function makeRoot([first]: readonly Wanted[]): Promise<void> {
  const root = dirname(first?.entry.dir as string)
  await mkdir(root, { recursive: true, mode: 0o700 }).catch(cause => {
    throw explainFileError(cause, root)
  })
}

/** As many at a time as are worth it; the first failure is the failure of all. */
async function all<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const left = items.entries()
  const worker = async (): Promise<void> => {
    for (const [at, item] of left) results[at] = await work(item)
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  return results
}

function numberOf(text: string | undefined, otherwise: number): number {
  const number = Number(text || Number.NaN)
  return Number.isFinite(number) && number >= 0 ? number : otherwise
}
