/** G21 on AWS: several deployers on one stage. Each has a process and keys of its own, so what each changed is counted. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../../aws/calls.ts'
import { liveVersion, runOutOfTurn, twoMinds } from '../aws-account.ts'
import { type AwsTag, AwsWorld, awsKey, awsTags, type Ended, type Person } from '../aws-world.ts'
import { type Check, type Figure, none } from '../figure.ts'
import type { Lab } from '../lab.ts'

/** CONFLICT of `docs/reference/errors.md`: somebody else is deploying. */
const conflict = 5

const one = { accessKeyId: 'AKIAONE', machine: 'one' } as const
const two = { accessKeyId: 'AKIATWO', machine: 'two' } as const

export const racingOnAws: Figure = {
  id: 'G21-AWS',
  title: 'deployers of AWS race for a stage, overtake each other, die on other machines',
  mutants: [
    {
      name: 'a turn is taken without asking whether somebody has it',
      edits: [
        {
          file: 'src/platforms/aws/lease.ts',
          find: 'found === undefined ? { ifNoneMatch: true } : { ifMatch: found.etag },',
          replace: 'undefined,',
        },
      ],
      reddens: 'changes made by those who lost',
    },
    {
      name: 'the alias is moved wherever it is',
      edits: [
        {
          file: 'src/platforms/aws/function/alias.ts',
          find: '...(found.revision ? { RevisionId: found.revision } : {})',
          replace: '',
        },
      ],
      reddens: 'overtaken deployers that had their way',
    },
    {
      name: 'the number of a process counts on every machine',
      edits: [
        {
          file: 'src/platforms/aws/lease.ts',
          find: 'if (machine !== thisMachine()) return false',
          replace: "if (machine === '') return false",
        },
      ],
      reddens: 'turns taken from another machine',
    },
  ],
  run: async lab => {
    const world = await AwsWorld.open(lab)
    try {
      return await new Races(world, lab).measure()
    } finally {
      await world.close()
    }
  },
}

class Races {
  readonly #world: AwsWorld
  readonly #lab: Lab
  readonly #odd: string[] = []
  readonly #mixed: string[] = []
  readonly #byLosers: string[] = []
  readonly #overruled: string[] = []
  readonly #taken: string[] = []
  #refused = 0
  #live: AwsTag | undefined

  constructor(world: AwsWorld, lab: Lab) {
    this.#world = world
    this.#lab = lab
  }

  async measure(): Promise<readonly Check[]> {
    const races = this.#lab.size(2, 50)
    for (let race = 1; race <= races; race++) await this.#race(`race ${race}`, race <= 2 || race % 2 === 0)
    for (let times = this.#lab.size(1, 10); times > 0; times--) {
      await this.#overtakenByRollback()
      await this.#overtakenByDeployer()
      await this.#deadElsewhere()
    }
    return [
      none('ends that are neither won nor refused with exit code 5', this.#odd),
      none('changes made by those who lost', this.#byLosers),
      none('functions, aliases, records and answers of two minds', this.#mixed),
      none('overtaken deployers that had their way', this.#overruled),
      none('turns taken from another machine', this.#taken),
      { name: 'deployers refused', got: this.#refused, atLeast: 2 + 3 },
    ]
  }

  /** Two begin together. `meet`: neither has seen the other when both reach for the turn. */
  async #race(name: string, meet: boolean): Promise<void> {
    const { cloud } = this.#world
    const tags = this.#others()
    const meeting = cloud.fail(reachesForTheTurn, { meanwhile: meetingOf(2) }, { times: meet ? 2 : 0 })
    cloud.forget()
    const ends = await Promise.all(
      [one, two].map(async (person, index) => {
        if (!meet && index === 1) await sleep(this.#lab.random() * 3_000)
        const tag = tags[index] as AwsTag
        return { person, tag, ...(await this.#world.serve(tag, person).ended) }
      }),
    )
    meeting.end()
    const winners = ends.filter(({ status }) => status === 0)
    for (const end of ends) this.#checkEnd(name, end)
    for (const { person, status } of ends) if (status !== 0) this.#checkChanges(name, person)
    if (winners.length === 0) this.#odd.push(`${name}: nobody won`)
    // Two who never met may both win, one after the other; of those who met, one has lost and changed nothing.
    for (const second of meet ? winners.slice(1) : []) this.#checkChanges(`${name}, both won`, second.person)
    const last = winners.sort((a, b) => versionOf(a) - versionOf(b)).at(-1)
    if (last) await this.#checkWhole(name, last.tag, last)
  }

  /** It stood still for so long that its turn ran out, and somebody went back a version meanwhile. */
  async #overtakenByRollback(): Promise<void> {
    const [tag] = this.#others()
    const before = await liveVersion(this.#world.cloud)
    let other: Ended | undefined
    const overtake = async (): Promise<void> => {
      await runOutOfTurn(this.#world.cloud)
      other = await this.#world.start(['rollback', awsKey.stage], two).ended
    }
    this.#world.cloud.fail({ action: 'UpdateAlias' }, { meanwhile: overtake })
    const mine = await this.#world.serve(tag as AwsTag, one).ended
    const after = await liveVersion(this.#world.cloud)
    if (other?.status !== 0)
      this.#odd.push(`a rollback after a turn that ran out: ${other?.status} ${other?.err}`)
    this.#checkEnd('overtaken by a rollback', mine)
    if (mine.status !== conflict || after === versionOf(mine))
      this.#overruled.push(`a rollback from ${before}, and now the traffic is at ${after}: ${mine.err}`)
    this.#live = (await this.#world.ask())?.tag as AwsTag
  }

  /** The same, and another machine has deployed. */
  async #overtakenByDeployer(): Promise<void> {
    const [slow, quick] = this.#others()
    let other: Ended | undefined
    const overtake = async (): Promise<void> => {
      await runOutOfTurn(this.#world.cloud)
      other = await this.#world.serve(quick as AwsTag, two).ended
    }
    this.#world.cloud.fail({ action: 'UpdateAlias' }, { meanwhile: overtake })
    const mine = await this.#world.serve(slow as AwsTag, one).ended
    this.#checkEnd('overtaken by a deployer', mine)
    if (other?.status !== 0) this.#odd.push(`after a turn that ran out: ${other?.status} ${other?.err}`)
    if (mine.status !== conflict) this.#overruled.push(`${mine.status}: ${mine.err}`)
    if (other?.status === 0) await this.#checkWhole('overtaken by a deployer', quick as AwsTag, other)
  }

  /** Killed with the turn in hand: another machine cannot know that it is dead, its own machine does. */
  async #deadElsewhere(): Promise<void> {
    const [tag] = this.#others()
    const victim = { kill: (): void => {} }
    this.#world.cloud.fail(reachesForTheTurn, { after: () => victim.kill() })
    const first = this.#world.serve(tag as AwsTag, one)
    victim.kill = first.kill
    await first.ended
    this.#world.cloud.forget()
    const elsewhere = await this.#world.serve(tag as AwsTag, two).ended
    if (elsewhere.status === 0) this.#taken.push(`another machine: ${elsewhere.err}`)
    this.#checkEnd('another machine', elsewhere)
    this.#checkChanges('another machine', two)
    const again = await this.#world.serve(tag as AwsTag, one).ended
    if (again.status !== 0) this.#odd.push(`the same machine: ${again.status} ${again.err}`)
    else await this.#checkWhole('the same machine', tag as AwsTag, again)
  }

  #others(): AwsTag[] {
    return awsTags.filter(tag => tag !== this.#live)
  }

  #checkEnd(name: string, { status, err }: Ended): void {
    if (status === conflict && err.includes('DEPLOY_IN_PROGRESS')) this.#refused += 1
    else if (status !== 0) this.#odd.push(`${name}: ${status} ${err}`)
  }

  #checkChanges(name: string, { accessKeyId }: Person): void {
    const theirs = this.#world.cloud.writing().filter(call => call.accessKeyId === accessKeyId)
    for (const { service, action, resource } of theirs.filter(hadEffect))
      this.#byLosers.push(`${name}: ${service} ${action} ${resource}`)
  }

  async #checkWhole(name: string, tag: AwsTag, end: Ended): Promise<void> {
    const version = versionOf(end)
    this.#live = tag
    const answer = await this.#world.ask()
    const seen = await twoMinds(this.#world.cloud, version, end.err.includes('Version published'))
    if (answer?.tag !== tag || answer.version !== version) seen.push(`${JSON.stringify(answer)} answers`)
    this.#mixed.push(...seen.map(what => `${name}, version ${version} of ${tag}: ${what}`))
  }
}

/** Everybody who comes to an account without the bucket makes it, and makes it the same. */
const ofEverybody = ['CreateBucket', 'PutPublicAccessBlock', 'PutBucketLifecycleConfiguration']

function hadEffect({ executed, status = 200, action }: Call): boolean {
  return executed && status < 300 && !ofEverybody.includes(action)
}

function reachesForTheTurn({ action, resource }: Pick<Call, 'action' | 'resource'>): boolean {
  return action === 'PutObject' && resource.endsWith('/lease.json')
}

function versionOf({ err }: Ended): number {
  return Number(/[Vv]ersion (\d+)(?: of \S+ already)? serves/.exec(err)?.[1])
}

/** Whoever comes waits for the others; for so long that a bug which keeps them away is not hidden by waiting. */
function meetingOf(people: number): () => Promise<void> {
  const patienceMs = 20_000
  let come = (): void => {}
  const all = new Promise<void>(done => {
    let missing = people
    come = () => {
      missing -= 1
      if (missing === 0) done()
    }
  })
  return async () => {
    come()
    await Promise.race([all, sleep(patienceMs, undefined, { ref: false })])
  }
}
