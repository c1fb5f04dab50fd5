/** G8: saved bytes that changed in the store: a bit, the end, a whole file of another model. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { launchOf } from '../../../src/platforms/local/launch.ts'
import { readRecord, type VersionRecord } from '../../../src/platforms/local/records.ts'
import { spawnProcess } from '../../../src/sandbox/process.ts'
import { FrameReader } from '../../../src/wire/frame.ts'
import { decode, encode, type FromRuntime, type Start } from '../../../src/wire/messages.ts'
import { type Figure, none } from '../figure.ts'
import type { Lab } from '../lab.ts'
import { key, type World } from '../world.ts'

interface Damage {
  readonly name: string
  readonly file: string
  readonly bytes: Buffer
}

const files = ['model.pkl', 'thampi.json', 'saved.json'] as const
const atOnce = 2

export const damagedArtifacts: Figure = {
  id: 'G8',
  title: 'bits flipped, ends cut off, files swapped in the stored model',
  mutants: [
    {
      name: 'only the size is compared',
      edits: [
        {
          file: 'python/src/thampi/runtime/load.py',
          find: 'digest(found[file]) != wanted:',
          replace: 'not found[file]:',
        },
      ],
      reddens: 'loaded',
    },
  ],
  run: async lab => {
    const world = await lab.serving()
    const record = await readRecord<VersionRecord>(world.at.version(key, 1))
    if (!record) throw new Error('there is no version 1')
    const launch = await launchOf(record, world.at, process.env)
    const whole = await load(launch.command, launch.start)
    const damages = await damagesOf(launch.start, lab)
    const loaded: string[] = []
    const unsaid: string[] = []
    const rest = damages.entries()
    const work = async (): Promise<void> => {
      for (const [index, damage] of rest) {
        const modelDir = join(lab.dir, `damaged-${index}`)
        await cp(launch.start.modelDir, modelDir, { recursive: true })
        await replace(join(modelDir, damage.file), damage.bytes)
        const said = await load(launch.command, { ...launch.start, modelDir })
        if (said?.type === 'ready') loaded.push(damage.name)
        else if (said?.type !== 'failed') unsaid.push(damage.name)
        await rm(modelDir, { recursive: true, force: true })
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    return [
      { name: 'damages', got: damages.length, atLeast: lab.size(50, 720) },
      none('loaded', loaded),
      none('ended without a reason', unsaid),
      none('whole ones refused', whole?.type === 'ready' ? 0 : 1),
      none('served by the host', await throughTheFrontDoor(world, launch.start.modelDir)),
    ]
  },
}

async function damagesOf({ modelDir }: Start, lab: Lab): Promise<Damage[]> {
  const damages: Damage[] = []
  const whole = new Map<string, Buffer>()
  for (const file of files) whole.set(file, await readFile(join(modelDir, file)))
  const some = (): [string, Buffer] => lab.pick([...whole]) as [string, Buffer]
  for (let i = 0; i < lab.size(40, 600); i++) {
    const [file, bytes] = some()
    const bit = Math.floor(lab.random() * bytes.length * 8)
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    damages.push({ name: `bit ${bit} of ${file}`, file, bytes: flipped })
  }
  for (let i = 0; i < lab.size(7, 100); i++) {
    const [file, bytes] = some()
    const length = Math.floor(lab.random() * bytes.length)
    damages.push({ name: `${file} cut to ${length} bytes`, file, bytes: bytes.subarray(0, length) })
  }
  for (let i = 0; i < lab.size(3, 20); i++) {
    const file = files[i % files.length] as string
    const bytes = await readFile(join(lab.models, 'b', key.model, file))
    damages.push({ name: `${file} of another model`, file, bytes })
  }
  return damages
}

/** Starts a process as the host does and gives the first thing it says. */
async function load(
  command: Parameters<typeof spawnProcess>[0],
  start: Start,
): Promise<FromRuntime | undefined> {
  const child = await spawnProcess(command)
  child.stdout.resume()
  child.stderr.resume()
  child.toRuntime.on('error', () => {})
  const reader = new FrameReader()
  const first = new Promise<FromRuntime | undefined>(resolve => {
    child.fromRuntime.listen(bytes => {
      for (const frame of reader.pushBorrowed(bytes)) resolve(decode(frame))
    })
    void child.exited.then(() => child.fromRuntime.ended(1_000)).then(() => resolve(undefined))
  })
  for (const buffer of encode({ type: 'start', start })) child.toRuntime.write(buffer)
  const said = await first
  child.toRuntime.end()
  await child.exited
  return said
}

/** The same through the front door: one flipped bit in the store, then a question. */
async function throughTheFrontDoor(world: World, modelDir: string): Promise<string[]> {
  const path = join(modelDir, 'model.pkl')
  const bytes = await readFile(path)
  bytes[bytes.length - 20] = (bytes[bytes.length - 20] as number) ^ 1
  await world.killHost()
  await replace(path, bytes)
  await world.start()
  const { status, why } = await world.ask()
  return status === 503 ? [] : [`${status} ${why}`]
}

/** Files in the store are read-only. */
async function replace(path: string, bytes: Buffer): Promise<void> {
  await rm(path)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
}
