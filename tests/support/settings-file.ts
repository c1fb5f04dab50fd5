/** A settings file in a project directory of its own, for each test anew. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { type ReadOptions, readSettings, type Settings } from '../../src/settings/settings.ts'

interface SettingsFile {
  /** A place in the project's directory, which is called like a project. */
  at(name: string): string
  /** Text as it is, anything else as JSON. */
  write(content: unknown, name?: string): Promise<void>
  read(options?: Partial<ReadOptions>): Promise<Settings>
  /** Written, and read. */
  settingsOf(content: unknown, options?: Partial<ReadOptions>): Promise<Settings>
}

/** To be called once in a file of tests, outside of them. */
export function settingsFile(): SettingsFile {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'Iris_Project-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  const at = (name: string): string => join(dir, name)
  const write = (content: unknown, name = 'zappa_settings.json'): Promise<void> =>
    writeFile(at(name), typeof content === 'string' ? content : JSON.stringify(content, null, 4))
  const read = (options: Partial<ReadOptions> = {}): Promise<Settings> =>
    readSettings({ dir, env: {}, ...options })
  const settingsOf = async (content: unknown, options?: Partial<ReadOptions>): Promise<Settings> => {
    await write(content)
    return read(options)
  }
  return { at, write, read, settingsOf }
}
