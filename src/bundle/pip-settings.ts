/** What pip is told on this machine about where packages come from: its files and its variables, read as pip reads them. */

import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { PythonFound } from '../system/python.ts'
import type { System } from '../system/system.ts'

export interface PipSettings {
  readonly index: string | undefined
  readonly extra: readonly string[]
  /** Directories and addresses. */
  readonly links: readonly string[]
  readonly trusted: readonly string[]
  readonly none: boolean
  readonly proxy: string | undefined
  /** File of certificates. */
  readonly cert: string | undefined
}

/** Later files win over earlier ones, and variables over all. `prefix`: of the Python whose pip is meant. */
export async function pipSettings(prefix: string | undefined, system: System): Promise<PipSettings> {
  const { env } = system
  const found = new Map<string, string>()
  for (const file of pipConfigFiles(prefix, system)) {
    const text = await readFile(file, 'utf8').catch(() => '')
    for (const [key, value] of keysOf(text)) found.set(key, value)
  }
  const value = (key: string): string | undefined =>
    env[`PIP_${key.toUpperCase().replaceAll('-', '_')}`] || found.get(key)
  const list = (key: string): string[] => (value(key) ?? '').split(/\s+/).filter(word => word !== '')
  return {
    index: value('index-url'),
    extra: list('extra-index-url'),
    links: list('find-links'),
    trusted: list('trusted-host'),
    none: /^(1|true|yes|on|y|t)$/i.test(value('no-index') ?? ''),
    proxy: value('proxy'),
    cert: value('cert'),
  }
}

/** In the order in which pip reads them: of the machine, of the person, of the environment. */
export function pipConfigFiles(prefix: PythonFound['prefix'] | undefined, { env, os }: System): string[] {
  const home = env.HOME || homedir()
  const own = env.PIP_CONFIG_FILE ? [env.PIP_CONFIG_FILE] : []
  if (os === 'win32') {
    return [
      join(home, 'pip', 'pip.ini'),
      join(env.APPDATA || home, 'pip', 'pip.ini'),
      ...(prefix === undefined ? [] : [join(prefix, 'pip.ini')]),
      ...own,
    ]
  }
  return [
    '/etc/xdg/pip/pip.conf',
    '/etc/pip.conf',
    join(home, '.pip', 'pip.conf'),
    join(home, 'Library', 'Application Support', 'pip', 'pip.conf'),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'pip', 'pip.conf'),
    ...(prefix === undefined ? [] : [join(prefix, 'pip.conf')]),
    ...own,
  ]
}

/** Of `[global]`, then of `[install]` and `[download]`, which are more special. A value may go on in indented lines. */
function keysOf(text: string): [string, string][] {
  const sections = new Map<string, [string, string][]>()
  let entries: [string, string][] = []
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line) || line.trim() === '') continue
    const section = /^\s*\[([^\]]+)\]/.exec(line)?.[1]
    const last = entries.at(-1)
    if (section !== undefined) {
      entries = sections.get(section) ?? []
      sections.set(section, entries)
    } else if (/^\s/.test(line) && last) {
      last[1] = `${last[1]} ${line.trim()}`.trim()
    } else {
      const [, key = '', value = ''] = /^\s*([\w-]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? []
      if (key !== '') entries.push([key.toLowerCase().replaceAll('_', '-'), value])
    }
  }
  return ['global', 'download', 'install'].flatMap(name => sections.get(name) ?? [])
}
