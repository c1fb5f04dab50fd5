/** G12: a rush of first requests to a version that has no sandbox yet. */
import { atMost, type Figure, none } from '../figure.ts'
import { Tally } from '../load.ts'

const rush = 100
const sandboxes = 2

export const rushOfFirstRequests: Figure = {
  id: 'G12',
  title: '100 first requests at once to a version without a process',
  mutants: [
    {
      name: 'one start for each request',
      edits: [
        {
          file: 'src/sandbox/fleet.ts',
          find: 'while (starting < together && living < limit) {',
          replace: 'while (starting < waiting) {',
        },
      ],
      reddens: 'processes started',
    },
  ],
  run: async lab => {
    const world = await lab.serving({ sandboxes, timeoutSeconds: 20 })
    await world.killHost()
    const before = world.loaded()
    await world.start()
    const asked = await Promise.all(Array.from({ length: rush }, () => world.ask({ do: 'sleep', ms: 5 })))
    const tally = new Tally(asked, world.timeoutMs)
    return [
      none('wrong', tally.wrong),
      none('failed', tally.failed),
      none('lost', tally.lost),
      atMost('processes started', world.loaded() - before, sandboxes),
      atMost('executions of a request', world.mostExecutions(), 1),
    ]
  },
}
