/** G20: the wall clock of the host jumps a day ahead and back while sandboxes are killed under load. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, type Figure, none } from '../figure.ts'
import { kill } from '../world.ts'

const dayMs = 86_400_000

export const jumpingClock: Figure = {
  id: 'G20',
  title: 'the clock jumps by a day, ahead and back, while sandboxes are killed under load',
  mutants: [
    {
      name: 'deadlines from the wall clock',
      edits: [
        {
          file: 'src/sandbox/deadlines.ts',
          find: 'const now = performance.now()',
          replace: 'const now = Date.now() - performance.timeOrigin',
        },
      ],
      reddens: 'failed',
    },
  ],
  run: async lab => {
    const world = await lab.serving({
      sandboxes: 4,
      node: ['--import', join(import.meta.dirname, '..', 'inside', 'clock.mjs')],
    })
    const load = world.load({ rate: lab.size(100, 200) })
    for (let i = 0; i < lab.size(8, 60); i++) {
      await sleep(lab.size(200, 500))
      const victim = lab.pick(await world.sandboxes())
      world.child.send({ clock: [dayMs, 0, -dayMs, 0][i % 4] })
      if (victim !== undefined) kill(victim)
      await sleep(lab.size(200, 500))
    }
    const tally = await load.end()
    return [
      none('wrong', tally.wrong),
      none('failed', tally.failed),
      none('lost', tally.lost),
      none('late', tally.late),
      atMost('executions of a request', world.mostExecutions(), 2),
    ]
  },
}
