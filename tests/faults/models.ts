/** The model under fault, saved with the real SDK by the Python of the tests. */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const start = promisify(execFile)
const root = resolve(import.meta.dirname, '..', '..')

export const python: string = join(root, '.venv', 'bin', 'python')

/** What the model calls itself: two saved models differ in nothing else. */
export type Tag = 'a' | 'b'

/** Saves the model under fault twice. */
export async function saveModels(dir: string): Promise<void> {
  for (const tag of ['a', 'b'] satisfies Tag[]) await saveModel(tag, join(dir, tag))
}

/** Saves a model that calls itself `tag` as `DIR/probe`, with the real SDK. */
export async function saveModel(tag: string, dir: string): Promise<void> {
  const env = { PATH: process.env.PATH, PYTHONPATH: join(root, 'python', 'src'), THAMPI_QUIET: '1' }
  await mkdir(dir, { recursive: true })
  await start(python, [join(import.meta.dirname, 'model.py'), tag, dir], { env })
}
