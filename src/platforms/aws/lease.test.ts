import { spawnSync } from 'node:child_process'
import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import type { Condition, Store, Stored } from './bucket/store.ts'
import { AwsError } from './client/trouble.ts'
import { Turn } from './lease.ts'

/** A bucket in memory, whose clock is moved by hand and whose answers can be lost. */
class Bucket implements Store {
  readonly bucket = 'memory'
  now = 1_000_000
  /** So many writes take effect although their answer never comes. */
  lost = 0
  mayDelete = true
  readonly objects = new Map<string, Stored<unknown>>()
  #etags = 0

  async get<T>(key: string): Promise<Stored<T> | undefined> {
    return this.objects.get(key) as Stored<T> | undefined
  }

  async put(key: string, value: unknown, condition?: Condition): Promise<string> {
    const found = this.objects.get(key)
    const holds =
      condition === undefined ||
      ('ifMatch' in condition ? found?.etag === condition.ifMatch : found === undefined)
    if (!holds) throw refused('PreconditionFailed', false)
    this.#etags += 1
    const etag = String(this.#etags)
    this.objects.set(key, { value: JSON.parse(JSON.stringify(value)), etag, modifiedMs: this.now })
    this.lost -= 1
    if (this.lost >= 0) throw refused('ECONNRESET', true)
    return etag
  }

  async remove(key: string): Promise<void> {
    if (!this.mayDelete) throw refused('AccessDenied', false)
    this.objects.delete(key)
  }

  serverTime = (): number => this.now
  list = async (): Promise<readonly string[]> => [...this.objects.keys()]
  hasBlob = async (): Promise<boolean> => false
  putBlob = async (): Promise<void> => {}
  copyBlob = async (): Promise<void> => {}
}

function refused(awsCode: string, isLost: boolean): AwsError {
  return new AwsError('AWS_REFUSED', { message: awsCode }, { awsCode, isLost })
}

function turnIn(bucket: Bucket): Turn {
  return new Turn(bucket, 'lease.json', 'staging')
}

/** What the object holds, with `changes`. */
function rewrite(bucket: Bucket, changes: object): void {
  const found = bucket.objects.get('lease.json') as Stored<object>
  bucket.objects.set('lease.json', { ...found, value: { ...found.value, ...changes } })
}

describe('a turn', () => {
  it('is one deployer’s; the other is told whose, and until when', async () => {
    const bucket = new Bucket()
    const one = turnIn(bucket)
    await one.take()
    bucket.now += 20_000
    await expect(turnIn(bucket).take()).rejects.toMatchObject({
      code: 'DEPLOY_IN_PROGRESS',
      message: expect.stringContaining(`${hostname()}, process ${process.pid}`),
      why: expect.stringContaining('in 100 s'),
    })
    await one.end()
    expect(bucket.objects.size).toBe(0)
    await turnIn(bucket).take()
  })

  it('only looks until something is to be changed', async () => {
    const bucket = new Bucket()
    const turn = turnIn(bucket)
    await turn.look()
    await turn.end()
    expect(bucket.objects.size).toBe(0)
  })

  it('of a machine that went away ends after two minutes, by the clock of S3', async () => {
    const bucket = new Bucket()
    await turnIn(bucket).take()
    rewrite(bucket, { process: { machine: 'another', pid: 1 } })
    bucket.now += 119_000
    await expect(turnIn(bucket).look()).rejects.toMatchObject({ code: 'DEPLOY_IN_PROGRESS' })
    bucket.now += 1_000
    const next = turnIn(bucket)
    await next.take()
    expect(bucket.objects.get('lease.json')?.value).toMatchObject({ fence: 2 })
  })

  it('of a process of this machine that died ends at once', async () => {
    const bucket = new Bucket()
    await turnIn(bucket).take()
    const { process: here } = (bucket.objects.get('lease.json') as Stored<{ process: object }>).value
    rewrite(bucket, { process: { ...here, pid: spawnSync(process.execPath, ['-e', '']).pid } })
    await turnIn(bucket).take()
    expect(bucket.objects.get('lease.json')?.value).toMatchObject({ fence: 2 })
  })

  it('puts away what a deployer left that died', async () => {
    const bucket = new Bucket()
    await turnIn(bucket).take()
    bucket.now += 120_000
    const turn = turnIn(bucket)
    await turn.look()
    await turn.end()
    expect(bucket.objects.size).toBe(0)
  })

  it('is given back also by who may write and not delete', async () => {
    const bucket = new Bucket()
    bucket.mayDelete = false
    const turn = turnIn(bucket)
    await turn.take()
    await turn.end()
    bucket.mayDelete = true
    const next = turnIn(bucket)
    await next.look()
    await next.end()
    expect(bucket.objects.size).toBe(0)
  })

  it('is had when only the answer to taking it was lost', async () => {
    const bucket = new Bucket()
    bucket.lost = 1
    const turn = turnIn(bucket)
    await turn.take()
    await turn.end()
    expect(bucket.objects.size).toBe(0)
  })

  it('that was taken over meanwhile is not ended by who had it before', async () => {
    const bucket = new Bucket()
    const slow = turnIn(bucket)
    await slow.take()
    bucket.now += 121_000
    await turnIn(bucket).take()
    await slow.end()
    expect(bucket.objects.size).toBe(1)
  })
})
