/** G2: kill -9 of random sandboxes when the stage says that its model must not run twice. */
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, type Figure, none } from '../figure.ts'
import { kill } from '../world.ts'

export const atMostOnce: Figure = {
  id: 'G2',
  title: 'kill -9 of a random sandbox under load, with "idempotent": false',
  mutants: [
    {
      name: 'asked again although the stage forbids it',
      edits: [
        { file: 'src/sandbox/second-tries.ts', find: 'if (!this.#idempotent) return false', replace: '' },
      ],
      reddens: 'executions of a request',
    },
  ],
  run: async lab => {
    const world = await lab.serving({ sandboxes: 4, thampi: { idempotent: false } })
    const load = world.load({ rate: lab.size(100, 200) })
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
      none('lost', tally.lost),
      none(
        'failed with anything but 502',
        tally.failed.filter(line => !line.endsWith('worker-crashed')),
      ),
      atMost('failed for each kill', tally.failed.length / kills, 1),
      atMost('executions of a request', world.mostExecutions(), 1),
    ]
  },
}
