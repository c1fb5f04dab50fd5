/** G1: kill -9 of a random sandbox, again and again, under load. */
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, type Figure, none } from '../figure.ts'
import { kill } from '../world.ts'

export const killSandboxes: Figure = {
  id: 'G1',
  title: 'kill -9 of a random sandbox under load',
  mutants: [
    {
      name: 'a request whose process died is not asked again',
      edits: [
        {
          file: 'src/sandbox/pool.ts',
          find: 'this.#closed || job.attempts > 1 ||',
          replace: 'this.#closed || job.attempts > 0 ||',
        },
      ],
      reddens: 'failed',
    },
    {
      name: 'a reply goes to the next request that is open',
      edits: [
        {
          file: 'src/sandbox/sandbox.ts',
          find: 'this.#waiting.take(message.id)',
          replace: 'this.#waiting.take(message.id + 1) ?? this.#waiting.take(message.id)',
        },
      ],
      reddens: 'wrong',
    },
  ],
  run: async lab => {
    const world = await lab.serving({ sandboxes: 4 })
    const rate = lab.size(100, 200)
    const quiet = await world.quiet({ rate })
    const load = world.load({ rate })
    const kills = lab.size(8, 60)
    for (let i = 0; i < kills; i++) {
      await sleep(lab.size(400, 1000))
      const victim = lab.pick(await world.sandboxes())
      if (victim !== undefined) kill(victim)
    }
    await sleep(300)
    const tally = await load.end()
    return [
      none('wrong', tally.wrong),
      none('failed', tally.failed),
      none('lost', tally.lost),
      none('late', tally.late),
      atMost('executions of a request', world.mostExecutions(), 2),
      atMost('p99 / quiet p99', tally.slowerThan(quiet, 0.99), 10),
    ]
  },
}
