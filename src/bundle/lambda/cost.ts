/** What a function would cost a month. */
import type { LambdaPackage } from './package.ts'
import type { Prices } from './prices.ts'

export interface Usage {
  readonly requestsPerMonth: number
  /** How long one takes in the function, in milliseconds. */
  readonly durationMs: number
  /** Whether the calls and seconds that are free each month are subtracted. */
  readonly freeTier: boolean
}

/** What of a stage costs, beside the package of its version. */
export interface Standing {
  /** The kind of API Gateway that requests come through. Undefined: they come to an address of the function itself, which is free. */
  readonly api: 'HTTP API' | 'REST API' | undefined
  /** So many processes are kept loaded. */
  readonly provisioned: number
}

export interface CostLine {
  readonly what: string
  /** US dollars a month. */
  readonly amount: number
  /** What was counted. */
  readonly counted: string
}

export interface Cost {
  readonly usage: Usage
  readonly asOf: string
  readonly region: string
  readonly lines: readonly CostLine[]
  readonly total: number
}

/** 365 days / 12. */
const secondsAMonth = (365 / 12) * 24 * 60 * 60

/** AWS Free Tier of Lambda: each month one million calls and 400,000 GB-seconds. */
const free = { calls: 1_000_000, gbSeconds: 400_000 }

/** The lines that Lambda and the runtime write for one request, roughly. */
const logBytes = 1000

/** A call that only keeps the function warm; the model is not asked. */
const warmMs = 5

/**
 * Idle time costs nothing, and a start is not counted: how many there are nobody knows.
 *
 * @example
 * costOf(made, { requestsPerMonth: 1e6, durationMs: 20, freeTier: false }, usualPrices).total
 */
export function costOf(
  made: LambdaPackage,
  usage: Usage,
  prices: Prices,
  { api, provisioned }: Standing = { api: 'HTTP API', provisioned: 0 },
): Cost {
  const { requestsPerMonth, durationMs, freeTier } = usage
  const warm = made.keepWarm === undefined ? 0 : callsAMonth(made.keepWarm)
  const calls = Math.max(0, requestsPerMonth + warm - (freeTier ? free.calls : 0))
  const seconds = (requestsPerMonth * durationMs + warm * warmMs) / 1000
  const gbSeconds = Math.max(0, (seconds * made.memoryMb) / 1024 - (freeTier ? free.gbSeconds : 0))
  const scratch = (seconds * Math.max(0, made.ephemeralMb - 512)) / 1024
  const isArm = made.architecture === 'arm64'
  const perGbSecond = isArm ? prices.lambdaGbSecondArm : prices.lambdaGbSecondX86
  const kept = (provisioned * made.memoryMb * secondsAMonth) / 1024
  const perKeptGbSecond = isArm ? prices.provisionedGbSecondArm : prices.provisionedGbSecondX86
  const throughApi = api === undefined ? 0 : requestsPerMonth
  const perRequest = api === 'REST API' ? prices.restApiRequests : prices.apiRequests
  const stored = storedBytes(made) / 1e9
  const logs = ((requestsPerMonth + warm) * logBytes) / 1e9
  const snapshot = made.snapStart ? (made.memoryMb / 1024) * secondsAMonth : 0
  const lines: CostLine[] = [
    line('Lambda, calls', (calls / 1e6) * prices.lambdaRequests, `${count(calls)} calls`),
    line('Lambda, time', gbSeconds * perGbSecond, `${count(gbSeconds)} GB-s (${made.architecture})`),
    line('Lambda, scratch disk', scratch * prices.scratchGbSecond, `${count(scratch)} GB-s`),
    line('Lambda, snapshot', snapshot * prices.snapshotGbSecond, `${made.memoryMb} MB kept`),
    line('Lambda, kept loaded', kept * perKeptGbSecond, `${provisioned} × ${made.memoryMb} MB kept`),
    line('API Gateway', (throughApi / 1e6) * perRequest, `${count(throughApi)} requests`),
    line('Keep-warm schedule', (warm / 1e6) * prices.scheduledCalls, `${count(warm)} calls`),
    line('S3, storage', stored * prices.storageGbMonth, `${(stored * 1000).toFixed(1)} MB`),
    line('Logs', logs * prices.logsGb, `${(logs * 1000).toFixed(1)} MB`),
  ]
  const counted = lines.filter(({ amount }) => amount > 0)
  return {
    usage,
    asOf: prices.asOf,
    region: prices.region,
    lines: counted,
    total: counted.reduce((sum, { amount }) => sum + amount, 0),
  }
}

function line(what: string, amount: number, counted: string): CostLine {
  return { what, amount, counted }
}

/** What one version keeps in the bucket; older versions keep theirs as well. */
function storedBytes({ functionZip, layers, model }: LambdaPackage): number {
  const archives = [functionZip, ...layers.map(({ archive }) => archive)]
  const blobs = model.in === 's3' ? model.blobs : []
  return [...archives, ...blobs].reduce((total, { bytes }) => total + bytes, 0)
}

const units: Readonly<Record<string, number>> = { minute: 60, hour: 3600, day: 86_400 }

/** `rate(4 minutes)` → 10950. A cron expression is counted as every four minutes. */
function callsAMonth(expression: string): number {
  const [, amount = '4', unit = 'minute'] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? []
  return Math.round(secondsAMonth / (Number(amount) * (units[unit] ?? 60)))
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}
