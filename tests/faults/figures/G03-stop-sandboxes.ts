/** G3: sandboxes that hang, stopped from outside or computing for ever, under load with a short deadline. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, isStopped } from '../../support/processes.ts'
import { atMost, type Figure, none } from '../figure.ts'
import { type Asked, described } from '../load.ts'
import { kill } from '../world.ts'

/** What a sandbox may hold at once when it is stopped: one request that runs, one that waits in its pipe. */
const victimsEach = 2

export const stopSandboxes: Figure = {
  id: 'G3',
  title: 'sandboxes that hang: SIGSTOP or an endless loop, under load',
  mutants: [
    {
      name: 'a process that missed a deadline is kept',
      edits: [{ file: 'src/sandbox/pool.ts', find: "sandbox?.kill({ reason: 'deadline' })", replace: '' }],
      reddens: 'hanging processes after 3 s',
    },
    {
      name: 'nobody looks after idle processes',
      edits: [{ file: 'src/sandbox/watch.ts', find: 'if (usage) this.#look(usage)', replace: '' }],
      reddens: 'idle processes stopped for 8 s',
    },
  ],
  run: async lab => {
    const world = await lab.serving({ sandboxes: 4, timeoutSeconds: 2 })
    const load = world.load({ rate: lab.size(40, 100) })
    const hangs = lab.size(4, 30)
    const stopped: number[] = []
    const loops: Promise<Asked>[] = []
    for (let i = 0; i < hangs; i++) {
      await sleep(lab.size(500, 1000))
      const victim = lab.pick((await world.sandboxes()).filter(pid => !stopped.includes(pid)))
      if (i % 2 === 1) loops.push(world.ask({ do: 'spin', ms: 600_000 }))
      else if (victim !== undefined) {
        stopped.push(victim)
        kill(victim, 'SIGSTOP')
      }
    }
    await sleep(world.timeoutMs)
    const tally = await load.end()
    const looped = await Promise.all(loops)
    const loopers = looped.flatMap(({ nonce }) => world.executedBy(nonce))
    const hanging = await poll(3000, () => [...stopped.filter(isStopped), ...loopers.filter(isRunning)])
    const after = await Promise.all([1, 2, 3, 4].map(() => world.ask({ do: 'sleep', ms: 10 })))
    const idle = await world.sandboxes()
    for (const pid of idle) kill(pid, 'SIGSTOP')
    // A signal takes a moment: what has not stopped yet is not forgotten either.
    await poll(2000, () => idle.filter(pid => !isStopped(pid)))
    const forgotten = await poll(8000, () => idle.filter(isStopped))
    const late = tally.refusedWith('deadline-exceeded')
    const others = tally.failed.filter(line => !line.endsWith('deadline-exceeded'))
    return [
      none('wrong', tally.wrong),
      none('lost', tally.lost),
      none('late', tally.late),
      none('failed for another reason than their deadline', others),
      atMost('past their deadline, for each hang', late.length / hangs, victimsEach),
      none(
        'endless loops that were not ended with 504',
        described(looped.filter(({ status }) => status !== 504)),
      ),
      none('hanging processes after 3 s', hanging),
      none('idle processes stopped for 8 s', forgotten),
      none('not answered afterwards', described(after.filter(({ verdict }) => verdict !== 'right'))),
    ]
  },
}

/** What is left of a list when it is empty or its time is over. */
async function poll<T>(ms: number, look: () => readonly T[]): Promise<readonly T[]> {
  const end = performance.now() + ms
  for (;;) {
    const left = look()
    if (left.length === 0 || performance.now() > end) return left
    await sleep(20)
  }
}
