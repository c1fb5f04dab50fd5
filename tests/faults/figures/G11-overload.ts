/** G11: ten times more requests than the model can answer, and callers who leave. */
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, type Figure, none } from '../figure.ts'
import { type Asked, described, type Tally } from '../load.ts'
import type { World } from '../world.ts'

const sandboxes = 2
const workMs = 20
/** What two processes answer that take 20 ms for each. */
const capacity = (sandboxes * 1000) / workMs
const work = { do: 'sleep', ms: workMs } as const
const maxQueue = 20

export const overload: Figure = {
  id: 'G11',
  title: 'ten times more requests than the model can answer; callers who leave',
  mutants: [
    {
      name: 'the queue has no bound',
      edits: [
        {
          file: 'src/sandbox/pool.ts',
          find: 'waiting > 0 && this.#admission.refuses(',
          replace: 'waiting < 0 && this.#admission.refuses(',
        },
      ],
      reddens: 'p99 of answers / time of a full queue',
    },
    {
      name: 'who has left is answered all the same',
      edits: [
        {
          file: 'src/sandbox/queue.ts',
          find: 'if (!job.done && !job.request.isAbandoned) return true',
          replace: 'if (!job.done) return true',
        },
      ],
      reddens: 'executed after the caller had left',
    },
  ],
  run: async lab => {
    const world = await lab.serving({ sandboxes, timeoutSeconds: 10, thampi: { max_queue: maxQueue } })
    // A full load that just fits shows what this machine can do today.
    const fitting = rateOf(await world.quiet({ rate: capacity * 0.8, question: () => work }, 2000))
    const load = world.load({ rate: capacity * 10, question: () => work })
    await sleep(lab.size(3000, 60_000))
    const tally = await load.end()
    const refused = tally.refusedWith('overloaded')
    const ran = world.executions()
    const executed = await executedAfterLeaving(world)
    const fullQueueMs = (maxQueue / sandboxes + 2) * workMs
    return [
      none('wrong', tally.wrong),
      none('lost', tally.lost),
      none(
        'failed with anything but 503 overloaded',
        tally.failed.filter(line => !line.endsWith('overloaded')),
      ),
      { name: 'refused', got: refused.length, atLeast: 100 },
      none('refused and yet executed', described(refused.filter(({ nonce }) => ran.has(nonce)))),
      { name: 'answers a second / what fits', got: rateOf(tally) / fitting, atLeast: 0.8 },
      atMost(
        'p99 of refusals / p99 of answers',
        tally.quantile(0.99, refused) / tally.quantile(0.99, tally.right),
        1.5,
      ),
      atMost('p99 of answers / time of a full queue', tally.quantile(0.99, tally.right) / fullQueueMs, 5),
      none('executed after the caller had left', executed),
    ]
  },
}

/** Answers a second, while there were any. */
function rateOf({ right }: Tally): number {
  const times = right.map(({ ended }: Asked) => ended)
  return (right.length / (Math.max(...times) - Math.min(...times))) * 1000
}

/** Twenty callers queue up behind long work and leave again: what of theirs runs afterwards? */
async function executedAfterLeaving(world: World): Promise<string[]> {
  const busy = Array.from({ length: sandboxes * 2 }, () => world.ask({ do: 'sleep', ms: 1000 }))
  await sleep(200)
  const callers = Array.from({ length: 15 }, (_, i) => {
    const sent = request(world.url, { method: 'POST' })
    sent.on('error', () => {})
    sent.end(JSON.stringify({ data: { nonce: `left-${i}` } }))
    return sent
  })
  await sleep(300)
  for (const sent of callers) sent.destroy()
  await Promise.all(busy)
  await world.ask()
  return [...world.executions().keys()].filter(nonce => nonce.startsWith('left-'))
}
