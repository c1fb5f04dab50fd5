/** What a function would cost: each line counts what it says it counts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../../system/files.ts'
import { type Cost, costOf, type Standing, type Usage } from './cost.ts'
import type { LambdaPackage } from './package.ts'
import { type Prices, readPrices, usualPrices } from './prices.ts'

const archive = { file: 'function.zip', digest: digestOf(''), bytes: 1e9, unpackedBytes: 2e9 }
const made: LambdaPackage = {
  runtime: 'python3.13',
  handler: 'thampi_handler.handler',
  architecture: 'x86_64',
  functionZip: archive,
  layers: [],
  layerArns: [],
  model: { in: 'function' },
  environment: {},
  memoryMb: 1024,
  timeoutSeconds: 30,
  ephemeralMb: 512,
  snapStart: false,
  keepWarm: undefined,
  notices: [],
  key: digestOf('key'),
}

/** Easy to reckon with. */
const plain: Prices = {
  ...{
    asOf: 'today',
    region: 'here',
    lambdaRequests: 1,
    apiRequests: 2,
    restApiRequests: 7,
    scheduledCalls: 3,
  },
  ...{ lambdaGbSecondX86: 0.001, lambdaGbSecondArm: 0.0005, scratchGbSecond: 0.01, snapshotGbSecond: 1e-6 },
  ...{ storageGbMonth: 5, logsGb: 10, provisionedGbSecondX86: 2e-6, provisionedGbSecondArm: 1e-6 },
}

function amounts(changes: Partial<LambdaPackage> = {}, usage: Partial<Usage> = {}): Record<string, number> {
  const { lines, total } = cost(changes, usage)
  const rounded = Object.fromEntries(lines.map(({ what, amount }) => [what, Number(amount.toFixed(6))]))
  expect(total).toBeCloseTo(Object.values(rounded).reduce((a, b) => a + b, 0))
  return rounded
}

function standing(changes: Partial<LambdaPackage>, stands: Standing): Record<string, number> {
  const usage = { requestsPerMonth: 1e6, durationMs: 100, freeTier: false }
  const { lines } = costOf({ ...made, ...changes }, usage, plain, stands)
  return Object.fromEntries(lines.map(({ what, amount }) => [what, Number(amount.toFixed(6))]))
}

function cost(changes: Partial<LambdaPackage>, usage: Partial<Usage>, prices = plain): Cost {
  return costOf(
    { ...made, ...changes },
    { requestsPerMonth: 1e6, durationMs: 100, freeTier: false, ...usage },
    prices,
  )
}

describe('the cost of a month', () => {
  it('counts processes that are kept loaded, and the API that there is', () => {
    const kept = standing({}, { api: undefined, provisioned: 2 })
    // 2 × 1 GB × 2,628,000 s
    expect(kept['Lambda, kept loaded']).toBe(10.512)
    expect(kept).not.toHaveProperty('API Gateway')
    expect(standing({}, { api: 'REST API', provisioned: 0 })['API Gateway']).toBe(7)
    const halved = standing({ architecture: 'arm64', memoryMb: 512 }, { api: 'HTTP API', provisioned: 2 })
    expect(halved['Lambda, kept loaded']).toBe(2.628)
    expect(standing({}, { api: 'HTTP API', provisioned: 0 })).toEqual(amounts())
  })

  it('counts calls, GB-seconds, API, storage and logs', () => {
    expect(amounts()).toEqual({
      'Lambda, calls': 1,
      // 1,000,000 × 0.1 s × 1 GB
      'Lambda, time': 100,
      'API Gateway': 2,
      'S3, storage': 5,
      Logs: 10,
    })
  })

  it('is less for arm64, and grows with memory and time', () => {
    expect(amounts({ architecture: 'arm64' })['Lambda, time']).toBe(50)
    expect(amounts({ memoryMb: 2048 })['Lambda, time']).toBe(200)
    expect(amounts({}, { durationMs: 10 })['Lambda, time']).toBe(10)
  })

  it('is nothing but storage when nobody asks', () => {
    expect(amounts({}, { requestsPerMonth: 0 })).toEqual({ 'S3, storage': 5 })
  })

  it('has the calls that keep a function warm', () => {
    // A month has 43,800 minutes.
    const warm = amounts({ keepWarm: 'rate(4 minutes)' }, { requestsPerMonth: 0 })
    expect(warm['Keep-warm schedule']).toBeCloseTo((10_950 / 1e6) * 3)
    expect(warm['Lambda, calls']).toBeCloseTo(10_950 / 1e6)
    const hourly = amounts({ keepWarm: 'rate(1 hour)' }, { requestsPerMonth: 0 })
    expect(hourly['Lambda, calls']).toBeCloseTo(730 / 1e6)
  })

  it('has more scratch disk and a snapshot where there are any', () => {
    expect(amounts({ ephemeralMb: 512 + 1024 })['Lambda, scratch disk']).toBe(1000)
    expect(amounts({ snapStart: true })['Lambda, snapshot']).toBeCloseTo(2.628)
  })

  it('has the model in S3, and the layers', () => {
    const blob = { path: 'm', digest: digestOf('m'), source: 'm', key: 'k', sha256: 'm', bytes: 3e9 }
    const model = { in: 's3', bucket: 'b', load: 'memory', blobs: [blob] } as const
    expect(amounts({ model, layers: [{ name: 'l', archive }] })['S3, storage']).toBe(25)
  })

  it('subtracts the free tier when that is asked for', () => {
    const free = amounts({}, { freeTier: true })
    expect(free).not.toHaveProperty('Lambda, calls')
    expect(free).not.toHaveProperty('Lambda, time')
    expect(amounts({}, { freeTier: true, requestsPerMonth: 5e6 })['Lambda, time']).toBeCloseTo(100)
  })
})

describe('a table of prices', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'thampi-prices-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const read = (text: string): Promise<Prices> => {
    writeFileSync(join(dir, 'prices.json'), text)
    return readPrices(join(dir, 'prices.json'))
  }

  it('changes what it names and nothing else', async () => {
    const given = await read('{"region": "eu-west-1", "lambdaRequests": 0.5}')
    expect(given).toEqual({ ...usualPrices, region: 'eu-west-1', lambdaRequests: 0.5 })
  })

  it.each([
    ['no JSON', '{', 'it is not JSON'],
    ['a list', '[1]', 'it is no object'],
    ['a name that has no price', '{"lambda": 1}', 'nothing here is called "lambda"'],
    ['a price below nothing', '{"lambdaRequests": -1}', 'lambdaRequests must be a number from 0'],
    ['a price that is text', '{"lambdaRequests": "1"}', 'lambdaRequests must be a number from 0'],
    ['a prototype', '{"__proto__": 1}', 'nothing here is called "__proto__"'],
  ])('is refused: %s', async (_, text, words) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(words),
    })
  })

  it('is refused when it is not there', async () => {
    await expect(readPrices(join(dir, 'none.json'))).rejects.toMatchObject({ code: 'USAGE' })
  })
})
