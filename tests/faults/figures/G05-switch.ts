/** G5: traffic moves between two versions, forward and back, under load. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Figure, none } from '../figure.ts'
import type { Asked } from '../load.ts'

interface Switch {
  readonly version: number
  readonly began: number
  readonly returned: number
}

export const switchVersions: Figure = {
  id: 'G5',
  title: 'a switch each second under load, every third one a rollback',
  mutants: [
    {
      name: 'the old version is killed before its requests have ended',
      edits: [
        {
          file: 'src/platforms/local/traffic.ts',
          find: 'this.#pools.delete(number)\n    await pool?.close()',
          replace:
            "this.#pools.delete(number)\n    for (const pid of pool?.pids ?? []) process.kill(pid, 'SIGKILL')\n    await pool?.close()",
        },
      ],
      reddens: 'failed',
    },
    {
      name: 'the version in the answer is what the pointer says now',
      edits: [
        {
          file: 'src/platforms/local/traffic.ts',
          find: 'if (answer) done(answer)',
          replace: 'if (answer) done({ ...answer, version: this.#weights[0][0] })',
        },
      ],
      reddens: 'wrong',
    },
  ],
  run: async lab => {
    const world = await lab.serving({ sandboxes: 4 })
    const versions = [await world.serve('b'), 1]
    const load = world.load({ rate: lab.size(100, 150) })
    await sleep(300)
    const switches: Switch[] = []
    for (let i = 0; i < lab.size(6, 60); i++) {
      const version = versions[(i + 1) % 2] as number
      const began = performance.now()
      const back = i % 3 === 2
      const { status, err } = back
        ? await world.thampi('rollback', 'live', `--to=${version}`)
        : await world.thampi('route', 'live', `${version}=100`)
      if (status !== 0) throw new Error(err)
      switches.push({ version, began, returned: performance.now() })
      await sleep(lab.size(100, 700))
    }
    const tally = await load.end()
    return [
      none('wrong', tally.wrong),
      none('failed', tally.failed),
      none('lost', tally.lost),
      none('late', tally.late),
      none('answered by the old version after the command returned', stale(tally.right, switches)),
      {
        name: 'versions that answered',
        got: new Set(tally.right.map(({ version }) => version)).size,
        atLeast: 2,
      },
    ]
  },
}

/** Asked after a switch and answered before the next one, but not by the version that the switch named. */
function stale(asked: readonly Asked[], switches: readonly Switch[]): string[] {
  return switches.flatMap(({ version, returned }, i) => {
    const until = switches[i + 1]?.began ?? Number.POSITIVE_INFINITY
    return asked
      .filter(({ sent, ended, version: by }) => sent > returned && ended < until && by !== version)
      .map(({ nonce, version: by }) => `${nonce}: version ${by} after the switch to ${version}`)
  })
}
