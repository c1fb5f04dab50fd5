/** G6: the host is killed, or the power goes, in the middle of a switch. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { knock } from '../../../src/platforms/local/door.ts'
import { type CurrentRecord, readRecord, type VersionRecord } from '../../../src/platforms/local/records.ts'
import { Nursery, type NurseryOptions } from '../../../src/sandbox/nursery.ts'
import { realSystem } from '../../../src/system/system.ts'
import { type Figure, none } from '../figure.ts'
import type { Lab } from '../lab.ts'
import { bundleOnDisk } from '../product.ts'
import { key, type World } from '../world.ts'

const file = 'src/system/files.ts'

export const tornState: Figure = {
  id: 'G6',
  title: 'kill -9 of the host, and power loss at every step, in the middle of a switch',
  mutants: [
    {
      name: 'the directory is not synced',
      edits: [{ file, find: '  await syncDirectory(dir)\n}', replace: '}' }],
      reddens: 'switches lost after they had been confirmed',
    },
    {
      name: 'the content is not synced',
      edits: [{ file, find: 'await file.sync()', replace: '' }],
      reddens: 'switches lost after they had been confirmed',
    },
    {
      name: 'files are written in place',
      edits: [
        {
          file,
          find: 'await rename(temporary, path)',
          replace: "const there = await open(path, 'w'); await there.writeFile(content); await there.close()",
        },
      ],
      reddens: 'switches lost after they had been confirmed',
    },
  ],
  run: async lab => {
    const world = await lab.serving()
    await world.serve('b')
    const kills = lab.size(8, 200)
    const { unreadable, reads } = await killInSwitches(world, kills, lab)
    const power = await losePower(world, lab)
    return [
      none('pointers unreadable after a kill', unreadable),
      none('pointers torn, as somebody else reads them', reads.torn),
      { name: 'reads during switches', got: reads.count, atLeast: kills * 10 },
      none('states after power loss that recover to no version', power.broken),
      none('switches lost after they had been confirmed', power.lost),
      { name: 'states after power loss', got: power.states, atLeast: 20 },
    ]
  },
}

async function killInSwitches(
  world: World,
  kills: number,
  lab: Lab,
): Promise<{ unreadable: string[]; reads: { count: number; torn: string[] } }> {
  const unreadable: string[] = []
  const reads = { count: 0, torn: [] as string[] }
  let reading = true
  const reader = (async () => {
    while (reading) {
      await readRecord<CurrentRecord>(world.at.current(key)).catch(error => reads.torn.push(String(error)))
      reads.count += 1
    }
  })()
  try {
    for (let i = 0; i < kills; i++) {
      if (i > 0) await world.start()
      let switching = true
      const switches = (async () => {
        // Ends with the host: the last switch finds nobody.
        for (let n = 0; switching; n++)
          await knock(world.at.door, 'PUT /route', { ...key, weights: [[1 + (n % 2), 100]] }).catch(() => {
            switching = false
          })
      })()
      await sleep(30 + lab.random() * 60)
      await world.killHost()
      switching = false
      await switches
      const pointer = await readRecord<CurrentRecord>(world.at.current(key)).catch(error => String(error))
      if (typeof pointer !== 'object') unreadable.push(String(pointer))
    }
  } finally {
    reading = false
    await reader
  }
  return { unreadable, reads }
}

/** Real code, a disk in memory: three switches, each broken off after every step, in every way POSIX allows. */
async function losePower(
  world: World,
  lab: Lab,
): Promise<{ states: number; broken: string[]; lost: string[] }> {
  const state = await bundleOnDisk(lab.product, join(lab.dir, 'state.mjs'))
  const { disk, ServedStage, writeRecord } = state
  // Records lie on the disk in memory, layers on the real one: a switch starts real processes.
  const { at } = world
  const nursery = new Nursery({ forks: false } as NurseryOptions)
  const options = { at, system: realSystem(), nursery, readUsage: async () => undefined }
  disk.load(new Map())
  for (const number of [1, 2]) {
    const record = await readRecord<VersionRecord>(world.at.version(key, number))
    await writeRecord(at.version(key, number), { ...record, mayFork: false })
  }
  await writeRecord(at.current(key), { weights: [[1, 100]], routed: [1] })

  const broken: string[] = []
  const lost: string[] = []
  let states = 0
  for (const [from, to] of [
    [1, 2],
    [2, 1],
    [1, 2],
  ] as const) {
    const before = disk.content()
    disk.load(before)
    const stage = await ServedStage.open(key, options)
    await stage.route([[to, 100]])
    await stage.close()
    const after = disk.content()
    const history = disk.history()
    for (let moment = 0; moment <= history.steps.length; moment++) {
      for (const found of disk.afterPowerLoss(history, moment)) {
        disk.load(found)
        const recovered = await ServedStage.open(key, options)
        const [version] = recovered.weights.keys()
        await recovered.close()
        states += 1
        const when = `${from} → ${to}, after step ${moment} of ${history.steps.length}: version ${version}`
        if (version !== from && version !== to) broken.push(when)
        else if (moment === history.steps.length && version !== to) lost.push(when)
      }
    }
    disk.load(after)
  }
  return { states, broken, lost }
}
