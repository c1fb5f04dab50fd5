/** Makes a layer as `thampi package` does, in a process of its own, and says how long that took and what memory. */
import { readFileSync, writeFileSync } from 'node:fs'
import { lockFor } from '../../src/bundle/lock/lock-for.ts'
import { readRequirements } from '../../src/bundle/requirements.ts'
import { openExamination } from '../../src/bundle/splice/examination.ts'
import { spliceWheels } from '../../src/bundle/splice/splice.ts'
import { fetchWheels } from '../../src/bundle/wheels/fetch.ts'
import { findPython } from '../../src/system/python.ts'
import { realSystem } from '../../src/system/system.ts'

const [what, file, interpreter] = process.argv.slice(2)
const system = realSystem()
const target = { os: 'linux', arch: system.arch, python: '3.13', glibc: '2.34' }

if (what === 'lock') {
  const requirements = await readRequirements(file, { cwd: system.cwd, env: system.env })
  process.stdout.write(JSON.stringify((await lockFor(requirements, target, system)).wheels))
} else {
  const python = interpreter ? await findPython(system, { explicit: interpreter }) : undefined
  const examination = openExamination(system)
  const begin = what === 'fetch' ? undefined : wheel => examination.begin(wheel, true)
  const wheels = await fetchWheels(JSON.parse(readFileSync(file, 'utf8')), system, begin)
  const layer =
    what === 'fetch'
      ? {}
      : await spliceWheels(wheels, target, { prefix: 'python/', python, examination }, system)
  await examination.close()
  // The kernel's own count: the most this process ever had.
  const kilobytes = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  writeFileSync(1, JSON.stringify({ ...layer, wheels, memory: kilobytes * 1024 }))
}
