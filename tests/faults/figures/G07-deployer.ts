/** G7: the deployer of AWS dies before or after any call, and answers get lost: run again, it ends where one clean run ends. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { saveFile } from '../../../src/save.ts'
import { realSystem } from '../../../src/system/system.ts'
import type { Call } from '../../aws/calls.ts'
import { type Cloud, startCloud } from '../../aws/cloud.ts'
import type { Matching } from '../../aws/faults.ts'
import { atLeast, type Check, type Figure, none } from '../figure.ts'
import type { Lab } from '../lab.ts'

type How = 'killed before' | 'killed after' | 'answer lost'

/** Where a deployment is cut off: its n-th call, or the first of a kind. */
interface Point {
  readonly at: number | Matching
  readonly how: How
}

/** The calls at which a deployer that does not look does harm. */
const known: Readonly<Record<'first' | 'next', readonly Point[]>> = {
  first: [
    { at: { service: 'apigateway', action: 'CreateApi' }, how: 'answer lost' },
    { at: { service: 'logs', action: 'CreateLogGroup' }, how: 'answer lost' },
  ],
  next: [
    { at: { service: 'lambda', action: 'PublishVersion' }, how: 'killed after' },
    { at: { service: 's3', action: 'DeleteObject', resource: /lease/ }, how: 'killed before' },
  ],
}

export const killDeployer: Figure = {
  id: 'G7',
  title: 'the deployer of AWS is killed at any call, answers are lost',
  mutants: [
    {
      name: 'a creation whose answer was lost is made again',
      edits: [
        {
          file: 'src/platforms/aws/client.ts',
          find: 'return /^(Get|List|Head|Describe|Filter|Put|Copy|Delete|Tag|Untag|Upload|Abort|CreateLogGroup)/.test(call)',
          replace: 'return true',
        },
      ],
      reddens: 'things that are left over or missing',
    },
    {
      name: 'what was published and not finished is not taken up again',
      edits: [
        {
          file: 'src/platforms/aws/release.ts',
          find: 'it.key === key && it.number > newest',
          replace: 'it.key === key && it.number < 0',
        },
      ],
      reddens: 'versions that were made twice',
    },
  ],
  run: async lab => {
    const cloud = await startCloud()
    try {
      return await measure(lab, cloud)
    } finally {
      await cloud.close()
    }
  },
}

async function measure(lab: Lab, cloud: Cloud): Promise<readonly Check[]> {
  const deployer = new Deployer(lab, cloud)
  const stuck: string[] = []
  const odd: string[] = []
  const twice: string[] = []
  const wrong: string[] = []
  let hits = 0

  const cutOff = async (what: string, tag: string, point: Point): Promise<void> => {
    const before = await deployer.newest()
    const fault = deployer.plan(point)
    const first = await deployer.serve(tag)
    hits += fault.hits
    fault.end()
    const name = `${what}, ${point.how} ${JSON.stringify(point.at)}`
    if (point.how === 'answer lost' && first.status !== 0) stuck.push(`${name}: ${first.err}`)
    const meanwhile = await deployer.ask()
    if (meanwhile !== undefined && !deployer.tags.has(meanwhile)) wrong.push(`${name}: ${meanwhile}`)
    if (before > 0 && meanwhile === undefined) wrong.push(`${name}: no answer`)
    const second = await deployer.serve(tag)
    if (second.status !== 0) stuck.push(`${name}, again: ${second.err}`)
    if ((await deployer.ask()) !== tag) wrong.push(`${name}, again: ${await deployer.ask()}`)
    if ((await deployer.newest()) > before + 1) twice.push(`${name}: version ${await deployer.newest()}`)
  }

  await deployer.serve('a')
  const clean = await deployer.things()
  const firstCalls = cloud.calls()
  cloud.forget()
  await deployer.serve('b')
  const nextCalls = cloud.calls()

  for (const point of pointsOf(lab, known.first, firstCalls)) {
    await cloud.reset()
    await cutOff('first', 'a', point)
    odd.push(...difference(clean, await deployer.things(), `first, ${point.how} ${JSON.stringify(point.at)}`))
  }
  for (const [index, point] of pointsOf(lab, known.next, nextCalls).entries()) {
    await cutOff('next', index % 2 === 0 ? 'b' : 'a', point)
    odd.push(...difference(clean, await deployer.things(), `next, ${point.how} ${JSON.stringify(point.at)}`))
  }
  return [
    none('runs that did not come to their end', stuck),
    none('things that are left over or missing', odd),
    none('versions that were made twice', twice),
    none('answers that were wrong or missing', wrong),
    atLeast('deployments cut off', hits, lab.size(5, 80)),
  ]
}

/** Of those that any call may have by chance. */
const byChance = 10

/** Short: the known ones and one by chance. Long: every call that changes something, in every way, and some others. */
function pointsOf(lab: Lab, fixed: readonly Point[], calls: readonly Call[]): readonly Point[] {
  const ways: readonly How[] = ['killed before', 'killed after', 'answer lost']
  const at = (isWanted: (call: Call) => boolean): Point[] =>
    calls.flatMap((call, index) => (isWanted(call) ? ways.map(how => ({ at: index + 1, how })) : []))
  const chance = (times: number): Point[] =>
    Array.from({ length: times }, () => lab.pick(at(() => true)) as Point)
  return [...fixed, ...(lab.long ? [...at(({ writing }) => writing), ...chance(byChance)] : chance(1))]
}

function difference(wanted: readonly string[], found: readonly string[], when: string): string[] {
  const [missing, more] = [wanted.filter(it => !found.includes(it)), found.filter(it => !wanted.includes(it))]
  const twins = found.filter((it, index) => found.indexOf(it) !== index)
  return [
    ...missing.map(it => `${when}: ${it} is missing`),
    ...[...more, ...twins].map(it => `${when}: ${it} is too much`),
  ]
}

/** A person who runs `thampi serve` again and again. */
class Deployer {
  readonly tags = new Set(['a', 'b'])
  readonly #cloud: Cloud
  readonly #cli: string
  readonly #dir: string
  readonly #saved: Promise<unknown>
  #kill: () => void = () => {}
  #url: string | undefined

  constructor(lab: Lab, cloud: Cloud) {
    this.#cloud = cloud
    this.#cli = lab.product.cli
    this.#dir = join(lab.dir, 'deployer')
    this.#saved = this.#save()
  }

  async #save(): Promise<void> {
    // Inside the repository, where the models find the bundler that saves them.
    const work = resolve('test-results', 'deployer')
    for (const tag of this.tags) {
      mkdirSync(join(work, tag), { recursive: true })
      const file = join(work, tag, 'probe.ts')
      writeFileSync(file, `export default class { predict() { return ${JSON.stringify(tag)} } }\n`)
      await saveFile(file, join(this.#dir, tag), { ...realSystem(), cwd: work })
    }
    const stage = { project_name: 'probe', s3_bucket: 'thampi-faults', thampi: { platform: 'aws' } }
    writeFileSync(join(this.#dir, 'zappa_settings.json'), JSON.stringify({ live: stage }))
  }

  plan({ at, how }: Point): ReturnType<Cloud['fail']> {
    const kill = (): void => this.#kill()
    if (how === 'answer lost') return this.#cloud.fail(at, 'lost')
    return this.#cloud.fail(at, how === 'killed before' ? { before: kill } : { after: kill })
  }

  async serve(tag: string): Promise<{ status: number | null; err: string }> {
    await this.#saved
    const env = { PATH: process.env.PATH, ...this.#cloud.env, THAMPI_HOME: join(this.#dir, 'home') }
    const args = [this.#cli, 'serve', 'live', '--model_dir', join(this.#dir, tag, 'probe'), '--no-try']
    const child = spawn(process.execPath, args, { cwd: this.#dir, env })
    this.#kill = () => child.kill('SIGKILL')
    let [out, err] = ['', '']
    child.stdout.on('data', piece => {
      out += piece
    })
    child.stderr.on('data', piece => {
      err += piece
    })
    const status = await new Promise<number | null>(done => child.on('close', done))
    if (status === 0) this.#url = out.trim()
    return { status, err: err.slice(-600) }
  }

  /** What the stage answers; undefined when it does not. */
  async ask(): Promise<string | undefined> {
    if (this.#url === undefined) return undefined
    const response = await fetch(this.#url, { method: 'POST', body: '{"data": 1}' }).catch(() => undefined)
    if (response?.status !== 200) return undefined
    return ((await response.json()) as { result: string }).result
  }

  /** What is in the account, without the numbers of versions. */
  async things(): Promise<readonly string[]> {
    const all = await this.#cloud.resources()
    return all.filter(it => !/^lambda version |\/versions\/\d+\.json$/.test(it))
  }

  async newest(): Promise<number> {
    const all = await this.#cloud.resources()
    return Math.max(0, ...all.map(it => Number(/^lambda version .*:(\d+)$/.exec(it)?.[1] ?? 0)))
  }
}
