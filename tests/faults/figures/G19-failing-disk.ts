/** G19: every n-th operation on a file fails during a switch, with each error a disk knows. */
import { once } from 'node:events'
import { join } from 'node:path'
import { ThampiError } from '../../../src/errors.ts'
import { knock } from '../../../src/platforms/local/door.ts'
import { type CurrentRecord, readRecord } from '../../../src/platforms/local/records.ts'
import { type Figure, none } from '../figure.ts'
import { key, kill, type World } from '../world.ts'

const codes = ['ENOSPC', 'EIO', 'EMFILE', 'EROFS'] as const
/** More operations than a switch has. */
const enough = 60

interface Hit {
  readonly name: string
  readonly path: string
  /** It would have changed the disk. */
  readonly changes: boolean
}

export const failingDisk: Figure = {
  id: 'G19',
  title: 'every n-th operation on a file of a switch fails with ENOSPC, EIO, EMFILE, EROFS',
  mutants: [
    {
      name: 'errors of sync are swallowed',
      edits: [
        {
          file: 'src/system/files.ts',
          find: 'await file.sync()',
          replace: 'await file.sync().catch(() => {})',
        },
      ],
      reddens: 'switches confirmed although the disk refused',
    },
    {
      name: 'a directory that cannot be read looks empty',
      edits: [
        {
          file: 'src/platforms/local/records.ts',
          find: "if (code === 'ENOENT' || code === 'ENOTDIR') return []",
          replace: 'if (code !== undefined) return []',
        },
      ],
      reddens: 'not answered by a new process afterwards',
    },
  ],
  run: async lab => {
    const world = await lab.serving({
      node: ['--import', join(import.meta.dirname, '..', 'inside', 'files.mjs')],
    })
    await world.serve('b')
    const pid = (await world.host())?.pid
    const unreadable: string[] = []
    const unsaid: string[] = []
    const swallowed: string[] = []
    const refused: string[] = []
    const divided: string[] = []
    let failures = 0
    let version = 1
    for (const code of codes) {
      // One refused request says it all, and each takes its whole deadline.
      for (let nth = 1; nth < enough && refused.length === 0; nth++) {
        await tell(world, { fail: { nth, code, below: world.at.projects } })
        const error = await switchTo(world, version)
        const { hit } = await tell(world, { calm: true })
        if (!hit) break
        failures += 1
        version = 3 - version
        const what = `${code} of ${hit.name} ${hit.path}: ${error ?? 'the switch was confirmed'}`
        if (error === undefined && hit.changes && hit.name !== 'rm') swallowed.push(what)
        if (error !== undefined && !(error.includes(code) || error.startsWith('DISK_FULL'))) unsaid.push(what)
        const pointer = await readRecord<CurrentRecord>(world.at.current(key)).catch(damage => String(damage))
        if (typeof pointer !== 'object') unreadable.push(what)
        const answer = await world.ask()
        if (answer.verdict !== 'right') refused.push(`${what}; then ${answer.why}`)
        const onDisk = typeof pointer === 'object' ? pointer.weights[0]?.[0] : undefined
        if (answer.version !== onDisk) divided.push(`${what}; served: ${answer.version}, on disk: ${onDisk}`)
      }
    }
    // What a process has loaded it serves also when its files are gone; a new one needs them.
    for (const sandbox of await world.sandboxes()) kill(sandbox)
    const anew = await world.ask()
    const still = (await world.host())?.pid
    return [
      { name: 'failures', got: failures, atLeast: 40 },
      none('pointers unreadable afterwards', unreadable),
      none('errors that do not name the cause', unsaid),
      none('switches confirmed although the disk refused', swallowed),
      none('requests not answered afterwards', refused),
      none('not answered by a new process afterwards', anew.verdict === 'right' ? [] : [anew.why]),
      none('memory and disk of two minds', divided),
      none('exits of the host', still === pid ? 0 : 1),
    ]
  },
}

async function tell(world: World, message: object): Promise<{ hit?: Hit }> {
  const over = new AbortController()
  const { signal } = over
  const answered = once(world.child, 'message', { signal })
  const gone = once(world.child, 'exit', { signal }).then(() => {
    throw new Error(`the host is gone:\n${world.said}`)
  })
  world.child.send(message)
  try {
    const [answer] = await Promise.race([answered, gone])
    return answer
  } finally {
    gone.catch(() => {})
    over.abort()
  }
}

/** What the command was told, when it failed. */
async function switchTo(world: World, version: number): Promise<string | undefined> {
  try {
    await knock(world.at.door, 'PUT /route', { ...key, weights: [[version, 100]] })
    return undefined
  } catch (error) {
    return error instanceof ThampiError ? `${error.code} ${error.message}` : String(error)
  }
}
