/** What AWS asks for. Prices change and differ between regions: the table is dated, and a file can stand in for it. */
import { readFile } from 'node:fs/promises'
import { systemCode, ThampiError } from '../../errors.ts'

/** In US dollars, without taxes, discounts and free tiers. */
export interface Prices {
  /** When the table was read, and for which region. */
  readonly asOf: string
  readonly region: string
  /** Per million calls of a function. */
  readonly lambdaRequests: number
  /** Per GB of memory and second. */
  readonly lambdaGbSecondX86: number
  readonly lambdaGbSecondArm: number
  /** Per GB of scratch disk above 512 MB and second. */
  readonly scratchGbSecond: number
  /** Per GB of a snapshot that is kept, and second. */
  readonly snapshotGbSecond: number
  /** Per GB of memory of a process that is kept loaded, and second; what it answers is counted at the price of all others, which is higher. */
  readonly provisionedGbSecondX86: number
  readonly provisionedGbSecondArm: number
  /** Per million requests to an HTTP API. */
  readonly apiRequests: number
  /** Per million requests to a REST API. */
  readonly restApiRequests: number
  /** Per GB and month in S3. */
  readonly storageGbMonth: number
  /** Per million calls of a schedule. */
  readonly scheduledCalls: number
  /** Per GB of logs that are taken in. */
  readonly logsGb: number
}

/**
 * On-demand prices of US East (N. Virginia), first tier, as the pricing pages of AWS Lambda, API Gateway, S3, EventBridge
 * Scheduler and CloudWatch had them. They were written down, and not compared with those pages since.
 */
export const usualPrices: Prices = {
  asOf: '2026-05',
  region: 'us-east-1',
  lambdaRequests: 0.2,
  lambdaGbSecondX86: 0.0000166667,
  lambdaGbSecondArm: 0.0000133334,
  scratchGbSecond: 0.0000000309,
  snapshotGbSecond: 0.0000015046,
  provisionedGbSecondX86: 0.0000041667,
  provisionedGbSecondArm: 0.0000033334,
  apiRequests: 1,
  restApiRequests: 3.5,
  storageGbMonth: 0.023,
  scheduledCalls: 1,
  logsGb: 0.5,
}

/**
 * The table, with what a JSON file says differently.
 *
 * @throws ThampiError USAGE when the file cannot be read, or names something that has no price
 * @example
 * (await readPrices('eu-west-1.json')).region // 'eu-west-1'
 */
export async function readPrices(file: string): Promise<Prices> {
  const text = await readFile(file, 'utf8').catch(cause => {
    throw wrong(file, `it cannot be read (${systemCode(cause) ?? 'unknown error'})`)
  })
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    throw wrong(file, 'it is not JSON')
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw wrong(file, 'it is no object')
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(usualPrices, name)) throw wrong(file, `nothing here is called ${JSON.stringify(name)}`)
    const wanted = typeof usualPrices[name as keyof Prices]
    if (typeof value !== wanted || (typeof value === 'number' && !(value >= 0))) {
      throw wrong(file, `${name} must be a ${wanted === 'string' ? 'text' : 'number from 0'}`)
    }
  }
  return { ...usualPrices, ...given }
}

function wrong(file: string, why: string): ThampiError {
  return new ThampiError('USAGE', {
    message: `"${file}" is no table of prices: ${why}.`,
    why: `It may have: ${Object.keys(usualPrices).join(', ')}.`,
    fix: `thampi plan --prices prices.json   # {"region": "eu-west-1", "lambdaRequests": 0.2}`,
  })
}
