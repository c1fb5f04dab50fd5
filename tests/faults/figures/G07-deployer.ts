/** G7: the deployer of AWS dies at any call or at any moment, and answers get lost: run again, it ends where one clean run ends. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../../aws/calls.ts'
import type { Matching } from '../../aws/faults.ts'
import { type AwsTag, AwsWorld, awsTags, type Ended } from '../aws-world.ts'
import { atLeast, type Check, type Figure, none } from '../figure.ts'
import type { Lab } from '../lab.ts'

type How = 'killed before' | 'killed after' | 'answer lost'

/** Where a deployment is cut off: at its n-th call, at the first of each of these, or so many milliseconds after its start. */
type Point = { readonly at: readonly (number | Matching)[]; readonly how: How } | { readonly afterMs: number }

/** To an account with nothing in it, or beside a version that answers. */
type Kind = 'first' | 'next'

/** The calls at which a deployer that does not look does harm. */
const known: Readonly<Record<Kind, readonly Point[]>> = {
  first: [
    {
      at: [
        { service: 'apigateway', action: 'CreateApi' },
        { service: 'logs', action: 'CreateLogGroup' },
      ],
      how: 'answer lost',
    },
    { at: [{ service: 'apigateway', action: 'CreateRoute' }], how: 'killed before' },
  ],
  next: [
    { at: [{ service: 'lambda', action: 'PublishVersion' }], how: 'killed after' },
    { at: [{ service: 's3', action: 'DeleteObject', resource: /lease/ }], how: 'killed before' },
  ],
}

const ways: readonly How[] = ['killed before', 'killed after', 'answer lost']

export const killDeployer: Figure = {
  id: 'G7',
  title: 'the deployer of AWS is killed at any call and any moment, answers are lost',
  mutants: [
    {
      name: 'a creation whose answer was lost is made again',
      edits: [
        {
          file: 'src/platforms/aws/client/client.ts',
          find: '(isUnknown(failure) && isRepeatable(call, args.input))',
          replace: 'isUnknown(failure)',
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
    {
      name: 'that a deployment has ended is written down before its end',
      edits: [
        {
          file: 'src/platforms/aws/traffic.ts',
          find: 'const addresses =',
          replace: 'await remember(corner, numbers, ending?.key)\n  const addresses =',
        },
      ],
      reddens: 'answers that were wrong or missing',
    },
  ],
  run: async lab => {
    // Where deployments wait for AWS, another one can be cut off.
    const lanes = await Promise.all(
      Array.from({ length: lab.size(1, 3) }, async (_, lane) => {
        const world = await AwsWorld.open(lab, `aws-${lane}`)
        return new Deployments(world)
      }),
    )
    try {
      return await measure(lab, lanes)
    } finally {
      for (const { world } of lanes) await world.close()
    }
  },
}

async function measure(lab: Lab, lanes: readonly Deployments[]): Promise<readonly Check[]> {
  const clean = await Promise.all(lanes.map(lane => lane.beginCleanly()))
  const { calls, ms } = clean[0] as Clean
  for (const kind of ['first', 'next'] as const) {
    const points = pointsOf(lab, kind, calls[kind], ms)
    await Promise.all(
      lanes.map(async (lane, index) => {
        const mine = points.filter((_, number) => number % lanes.length === index)
        for (const point of mine) await lane.cutOff(kind, point)
      }),
    )
  }
  const all = <T>(of: (lane: Deployments) => readonly T[]): T[] => lanes.flatMap(of)
  const sum = (of: (lane: Deployments) => number): number =>
    lanes.reduce((total, lane) => total + of(lane), 0)
  return [
    none(
      'runs that did not come to their end',
      all(lane => lane.stuck),
    ),
    none(
      'things that are left over or missing',
      all(lane => lane.odd),
    ),
    none(
      'versions that were made twice',
      all(lane => lane.twice),
    ),
    none(
      'answers that were wrong or missing',
      all(lane => lane.wrong),
    ),
    atLeast(
      'deployments cut off',
      sum(lane => lane.hits),
      lab.size(5, 200),
    ),
    atLeast(
      'answers meanwhile',
      sum(lane => lane.answers),
      lab.size(5, 500),
    ),
  ]
}

/**
 * Short: the known ones and one by chance. Long: each call cut off before and after, each of its answers lost, and kills at
 * moments that no call marks. A call that only reads is the same to whoever dies after it and before the next.
 */
function pointsOf(lab: Lab, kind: Kind, calls: readonly Call[], ms: number): readonly Point[] {
  const each = calls.flatMap(({ writing }, index): Point[] =>
    ways.filter(how => writing || how !== 'killed after').map(how => ({ at: [index + 1], how })),
  )
  if (!lab.long) return kind === 'first' ? known.first : [...known.next, lab.pick(each) as Point]
  const moments = Array.from({ length: 50 }, (): Point => ({ afterMs: lab.random() * ms }))
  return [...known[kind], ...each, ...moments]
}

interface Clean {
  readonly calls: Readonly<Record<Kind, readonly Call[]>>
  /** How long a deployment takes when nobody is in its way. */
  readonly ms: number
}

/** One stage that is deployed again and again, is cut off, and deployed again. */
class Deployments {
  readonly stuck: string[] = []
  readonly odd: string[] = []
  readonly twice: string[] = []
  readonly wrong: string[] = []
  hits = 0
  answers = 0
  readonly world: AwsWorld
  #things: readonly string[] = []
  #live: AwsTag = 'a'

  constructor(world: AwsWorld) {
    this.world = world
  }

  /** What a run that nothing disturbs does, and leaves. */
  async beginCleanly(): Promise<Clean> {
    const { cloud } = this.world
    await this.#serveOrFail('a')
    this.#things = await this.#thingsNow()
    const first = cloud.calls()
    cloud.forget()
    const began = performance.now()
    await this.#serveOrFail('b')
    return { calls: { first, next: cloud.calls() }, ms: performance.now() - began }
  }

  async cutOff(kind: Kind, point: Point): Promise<void> {
    const name = `${kind}, ${JSON.stringify(point, (_, value) => (value instanceof RegExp ? String(value) : value))}`
    if (kind === 'first') {
      await this.world.cloud.reset()
      this.world.url = undefined
    }
    const before = kind === 'first' ? 0 : await this.#newest()
    const tag = awsTags.find(candidate => kind === 'first' || candidate !== this.#live) as AwsTag
    const expected = kind === 'first' ? [tag] : [tag, this.#live]
    const caller = this.#call(name, expected)
    const first = await this.#serveDisturbed(tag, point)
    if ('how' in point && point.how === 'answer lost' && first.status !== 0)
      this.stuck.push(`${name}: ${first.err.slice(-600)}`)
    const second = await this.world.serve(tag).ended
    if (second.status !== 0) this.stuck.push(`${name}, again: ${second.err.slice(-600)}`)
    await caller.end()
    const answer = await this.world.ask()
    if (answer?.tag !== tag) this.wrong.push(`${name}, again: ${JSON.stringify(answer)}`)
    if ((await this.#newest()) > before + 1) this.twice.push(`${name}: version ${await this.#newest()}`)
    this.odd.push(...difference(this.#things, await this.#thingsNow()).map(what => `${name}: ${what}`))
    this.#live = tag
  }

  async #serveDisturbed(tag: AwsTag, point: Point): Promise<Ended> {
    if ('afterMs' in point) {
      const running = this.world.serve(tag)
      const timer = setTimeout(running.kill, point.afterMs)
      const end = await running.ended
      clearTimeout(timer)
      if (end.status === null) this.hits += 1
      return end
    }
    const { at, how } = point
    let kill = (): void => {}
    const dead = (): void => kill()
    const disturbance =
      how === 'answer lost' ? 'lost' : how === 'killed before' ? { before: dead } : { after: dead }
    const faults = at.map(when => this.world.cloud.fail(when, disturbance))
    const running = this.world.serve(tag)
    kill = running.kill
    const end = await running.ended
    for (const fault of faults) {
      this.hits += fault.hits
      fault.end()
    }
    return end
  }

  /** Somebody who asks all the time, from when there is an address: each answer is one of the two versions'. */
  #call(name: string, expected: readonly string[]): { end(): Promise<void> } {
    let isOver = false
    const asking = (async () => {
      while (!isOver) {
        if (this.world.url !== undefined) {
          const answer = await this.world.ask()
          this.answers += 1
          if (answer === undefined || !expected.includes(answer.tag))
            this.wrong.push(`${name}, meanwhile: ${JSON.stringify(answer)}`)
        }
        await sleep(200)
      }
    })()
    return {
      end: async () => {
        isOver = true
        await asking
      },
    }
  }

  async #serveOrFail(tag: AwsTag): Promise<void> {
    const { status, err } = await this.world.serve(tag).ended
    if (status !== 0) throw new Error(`a deployment that nobody disturbs ended with ${status}:\n${err}`)
    this.#live = tag
  }

  /** What is in the account, without the numbers of versions. */
  async #thingsNow(): Promise<readonly string[]> {
    const all = await this.world.cloud.resources()
    return all.filter(it => !/^lambda version |\/versions\/\d+\.json$/.test(it))
  }

  async #newest(): Promise<number> {
    const all = await this.world.cloud.resources()
    return Math.max(0, ...all.map(it => Number(/^lambda version .*:(\d+)$/.exec(it)?.[1] ?? 0)))
  }
}

function difference(wanted: readonly string[], found: readonly string[]): string[] {
  const [missing, more] = [wanted.filter(it => !found.includes(it)), found.filter(it => !wanted.includes(it))]
  const twins = found.filter((it, index) => found.indexOf(it) !== index)
  return [...missing.map(it => `${it} is missing`), ...[...more, ...twins].map(it => `${it} is too much`)]
}
