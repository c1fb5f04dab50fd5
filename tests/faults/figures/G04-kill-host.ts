/** G4: kill -9 of the host under load; the next command of its user brings it back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning } from '../../support/processes.ts'
import { atMost, type Figure, none } from '../figure.ts'
import type { World } from '../world.ts'

export const killHost: Figure = {
  id: 'G4',
  title: 'kill -9 of the host under load, restarted by the next command',
  mutants: [
    {
      name: 'the kernel is not asked to end a process with its host',
      edits: [
        {
          file: 'python/src/thampi/runtime/process.py',
          find: '_prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)',
          replace: 'pass',
        },
      ],
      reddens: 'orphans after 1 s',
    },
    {
      name: 'the lock is a file',
      edits: [
        {
          file: 'src/platforms/local/host.ts',
          find: "if (process.platform !== 'linux') return lock",
          // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
          replace: "require('node:fs').openSync(`${at.root}/host.lock`, 'wx')",
        },
      ],
      reddens: 'restarts that needed a hand',
    },
  ],
  run: async lab => {
    const world = await lab.serving()
    await world.thampi('host', '--stop')
    const quiet = await restart(world)
    const load = world.load({ rate: lab.size(50, 100) })
    const orphans: number[] = []
    const failed: string[] = []
    let slowest = 0
    for (let i = 0; i < lab.size(3, 50); i++) {
      await sleep(300)
      const pids = await world.sandboxes()
      // Somebody who computes cannot notice the end of a stream: only the kernel ends this one.
      void world.ask({ do: 'spin', ms: 4000 })
      await sleep(50)
      await world.killHost()
      await sleep(1000)
      orphans.push(...pids.filter(isRunning))
      const { ms, complaint } = await restart(world)
      slowest = Math.max(slowest, ms)
      if (complaint) failed.push(complaint)
      if (complaint) break
    }
    const tally = await load.end()
    return [
      none('wrong, or cut off and yet 200', tally.wrong),
      none('failed', tally.failed),
      none('orphans after 1 s', orphans),
      none('restarts that needed a hand', failed),
      atMost('slowest restart / quiet restart', slowest / quiet.ms, 10),
    ]
  },
}

/** Any command about the stage, then the first answer. */
async function restart(world: World): Promise<{ ms: number; complaint?: string }> {
  const began = performance.now()
  const { status, err } = await world.thampi('info', 'live')
  if (status !== 0) return { ms: 0, complaint: err }
  const first = await world.ask()
  if (first.verdict !== 'right') return { ms: 0, complaint: first.why }
  return { ms: performance.now() - began }
}
