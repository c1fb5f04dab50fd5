/** G14: one body that kills every process which works on it, sent again and again among harmless ones. */
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, type Figure, none } from '../figure.ts'
import { ask, described } from '../load.ts'

/** Always the same bytes: that is how the host can know it again. */
const nonce = 'poison'

export const poison: Figure = {
  id: 'G14',
  title: 'one body that kills whoever works on it, sent again and again under load',
  mutants: [
    {
      name: 'no body is ever put into quarantine',
      edits: [
        { file: 'src/sandbox/quarantine.ts', find: 'const fatal = 2', replace: 'const fatal = 1_000_000' },
      ],
      reddens: 'processes it killed',
    },
  ],
  run: async lab => {
    const world = await lab.serving({ sandboxes: 4 })
    const rate = lab.size(100, 200)
    const quiet = await world.quiet({ rate })
    const load = world.load({ rate })
    const poisoned = []
    for (let i = 0; i < lab.size(20, 120); i++) {
      poisoned.push(await ask(world, { do: 'die' }, { nonce }))
      await sleep(lab.size(100, 500))
    }
    const tally = await load.end()
    return [
      none('wrong', tally.wrong),
      none('failed, and not poison', tally.failed),
      none('lost', tally.lost),
      none('poison that was not refused', described(poisoned.filter(({ verdict }) => verdict !== 'refused'))),
      atMost('processes it killed', world.executions().get(nonce) ?? 0, 2),
      atMost('p99 / quiet p99', tally.slowerThan(quiet, 0.99), 10),
    ]
  },
}
