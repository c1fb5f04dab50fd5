/** The cloudpickle of the tests' Python, as a package for an index of their own: models are read with the real one. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pinned } from './doors.ts'
import { python } from './python.ts'

/** What `addWheel` of a package index takes. */
export function cloudpickleWheel(): { name: string; version: string; files: Record<string, string> } {
  return {
    name: 'cloudpickle',
    version: pinned('cloudpickle').split('==')[1] ?? '',
    files: cloudpickleFiles(),
  }
}

/** Path → text of its modules. */
export function cloudpickleFiles(): Record<string, string> {
  const question = 'import cloudpickle, os; print(os.path.dirname(cloudpickle.__file__))'
  const dir = execFileSync(python, ['-c', question], { encoding: 'utf8' }).trim()
  const names = readdirSync(dir).filter(name => name.endsWith('.py'))
  return Object.fromEntries(names.map(name => [`cloudpickle/${name}`, readFileSync(join(dir, name), 'utf8')]))
}
