/**
 * One deployer at a time: an object of the bucket that only one can create. It is held for two minutes and renewed
 * while the work goes on, so a deployer that died lets go by itself. Times are those of S3, not of this machine.
 */
import { randomUUID } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { ThampiError } from '../../errors.ts'
import type { Store, Stored } from './bucket/store.ts'
import { AwsError, isAws } from './client/trouble.ts'
import type { Pointer } from './function/alias.ts'

interface LeaseRecord {
  readonly schemaVersion: 1
  readonly holder: string
  readonly token: string
  /** Grows with each holder: what an earlier one still sends can be told from what the present one does. */
  readonly fence: number
  readonly seconds: number
  /** A process that can be looked for by those who share its machine. */
  readonly process: { readonly machine: string; readonly pid: number }
}

const leaseSeconds = 120
const renewEveryMs = 30_000

/** A deployer's turn. The lease is taken before the first change, so that looking changes nothing. */
export class Turn {
  readonly #store: Store
  readonly #key: string
  readonly #stage: string
  #held: Promise<{ value: LeaseRecord; etag: string }> | undefined
  #renewal: NodeJS.Timeout | undefined
  #isLost = false
  #isLeft = false
  /** Where the traffic went when this turn first looked, and since it moved it. */
  pointer: { readonly seen: Pointer | undefined } | undefined

  constructor(store: Store, key: string, stage: string) {
    this.#store = store
    this.#key = key
    this.#stage = stage
  }

  /** @throws ThampiError DEPLOY_IN_PROGRESS, with the holder's name, while somebody else has the turn */
  async look(): Promise<void> {
    const found = await this.#store.get<LeaseRecord>(this.#key)
    if (found !== undefined && !isFree(found, this.#store)) throw taken(found, this.#stage, this.#store)
    this.#isLeft = found !== undefined
  }

  /** Before anything is changed; again: makes sure that the turn was not lost meanwhile. @throws ThampiError DEPLOY_IN_PROGRESS */
  async take(): Promise<void> {
    this.#held ??= acquire(this.#store, this.#key, this.#stage)
    const held = await this.#held
    this.#renewal ??= this.#renew(held)
    if (!this.#isLost) return
    throw new ThampiError('DEPLOY_IN_PROGRESS', {
      message: `This command stood still for so long that somebody else got its turn on ${this.#stage}.`,
      fix: `thampi versions ${this.#stage}   # then run the same command again`,
    })
  }

  async end(): Promise<void> {
    // What a deployer left that died is taken over to be put away: somebody else may be taking it at this moment.
    if (this.#isLeft) await this.take().catch(() => undefined)
    clearInterval(this.#renewal)
    const held = await this.#held?.catch(() => undefined)
    if (held !== undefined) await letGo(this.#store, this.#key, held.value)
  }

  #renew({ value, etag }: { value: LeaseRecord; etag: string }): NodeJS.Timeout {
    let last = etag
    return setInterval(async () => {
      try {
        last = await this.#store.put(this.#key, value, { ifMatch: last })
      } catch (error) {
        // Any other failure is tried again in half a minute, and the lease lasts for four of them.
        if (isAws(error, 'PreconditionFailed', 'NoSuchKey')) {
          const found = await this.#store.get<LeaseRecord>(this.#key).catch(() => undefined)
          if (found?.value.token === value.token) last = found.etag
          else this.#isLost = true
        }
      }
    }, renewEveryMs).unref()
  }
}

async function acquire(
  store: Store,
  key: string,
  stage: string,
): Promise<{ value: LeaseRecord; etag: string }> {
  const base = {
    schemaVersion: 1,
    holder: `${userInfo().username}@${hostname()}, process ${process.pid}`,
    token: randomUUID(),
    seconds: leaseSeconds,
    process: { machine: thisMachine(), pid: process.pid },
  } as const
  let found: Stored<LeaseRecord> | undefined
  for (let tries = 0; tries < 5; tries++) {
    const value: LeaseRecord = { ...base, fence: (found?.value.fence ?? 0) + 1 }
    try {
      return {
        value,
        etag: await store.put(
          key,
          value,
          found === undefined ? { ifNoneMatch: true } : { ifMatch: found.etag },
        ),
      }
    } catch (error) {
      if (!isAws(error, 'PreconditionFailed', 'NoSuchKey') && !(error instanceof AwsError && error.isLost))
        throw error
    }
    found = await store.get<LeaseRecord>(key)
    // The answer to the first try was lost, but it had taken effect.
    if (found?.value.token === base.token) return found
    if (found !== undefined && !isFree(found, store)) throw taken(found, stage, store)
  }
  throw new ThampiError('DEPLOY_IN_PROGRESS', {
    message: `${stage} is being deployed by several others at once.`,
    fix: 'wait a minute and run the same command again',
  })
}

/** Only of what is still ours: whoever took over an expired lease keeps it. */
async function letGo(store: Store, key: string, mine: LeaseRecord): Promise<void> {
  const found = await store.get<LeaseRecord>(key).catch(() => undefined)
  if (found?.value.token !== mine.token) return
  // Whoever may write and not delete leaves it as one whose time is over.
  const over = { ...mine, seconds: 0 }
  await store
    .remove(key)
    .catch(() => store.put(key, over, { ifMatch: found.etag }))
    .catch(() => undefined)
}

/** Expired, or its holder is a process of this machine that is no more. */
function isFree({ value, modifiedMs }: Stored<LeaseRecord>, store: Store): boolean {
  return leftSeconds(value, modifiedMs, store) <= 0 || isGone(value)
}

function leftSeconds({ seconds }: LeaseRecord, modifiedMs: number, store: Store): number {
  return Math.ceil(seconds - (store.serverTime() - modifiedMs) / 1000)
}

function isGone({ process: { machine, pid } }: LeaseRecord): boolean {
  if (machine !== thisMachine()) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** Where a process number means what it means here: containers on one machine have their own. */
function thisMachine(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

function taken({ value, modifiedMs }: Stored<LeaseRecord>, stage: string, store: Store): ThampiError {
  return new ThampiError('DEPLOY_IN_PROGRESS', {
    message: `${stage} is being deployed by ${value.holder}.`,
    why: `Its turn ends with that command; should it have died, in ${leftSeconds(value, modifiedMs, store)} s.`,
    fix: 'wait until that command has ended and run yours again',
  })
}
