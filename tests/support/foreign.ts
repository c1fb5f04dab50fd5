/** Clients that we did not write, each in a virtual environment of its own that stays between runs. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const start = promisify(execFile)
const root = resolve('.journeys', 'foreign')

/** A Python that has exactly these packages and what they need. */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string> {
  const venv = join(root, name)
  const python = join(venv, 'bin', 'python')
  const ready = join(venv, 'ready')
  const wanted = packages.join('\n')
  if (existsSync(ready) && readFileSync(ready, 'utf8') === wanted) return python
  await rm(venv, { recursive: true, force: true })
  await mkdir(root, { recursive: true })
  await start(join('.venv', 'bin', 'python'), ['-m', 'venv', venv])
  await start(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages])
  await writeFile(ready, wanted)
  return python
}
