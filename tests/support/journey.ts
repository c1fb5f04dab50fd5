/**
 * A person at a shell: a project directory, a `THAMPI_HOME` of its own, and `thampi` as pip or npm installed it.
 * When the tests of a file or of a `describe` are over, everything that was started is ended, and that is checked.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect } from 'vitest'
import type { HostStatus } from '../../src/platforms/local/commands.ts'
import { layout } from '../../src/platforms/local/layout.ts'
import { runningHost } from '../../src/platforms/local/start-host.ts'
import { type Door, pathThrough, venv } from './doors.ts'
import { type Process, processesOf } from './processes.ts'

export interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

export interface Running {
  readonly pid: number
  /** What it has said so far. */
  readonly said: { readonly out: string; readonly err: string }
  readonly ended: Promise<Ended>
  kill(signal: NodeJS.Signals): void
  /** Waits until it says so on stderr; fails when it ends before. */
  untilItSays(words: string | RegExp): Promise<void>
}

export interface Around {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** A directory below the project. */
  readonly cwd?: string
}

export interface Project {
  readonly dir: string
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  write(path: string, text: string | Uint8Array): void
  read(path: string): string
  /** Path → digest of every file in the project. */
  snapshot(): Record<string, string>
  /** Runs `thampi` through the project's door. */
  thampi(args: readonly string[], around?: Around): Promise<Ended>
  start(args: readonly string[], around?: Around): Running
  /** Runs another program of the shell. */
  run(file: string, args: readonly string[], around?: Around): Promise<Ended>
  /** Runs Python of the virtual environment; gives what it printed. */
  python(args: readonly string[], around?: Around): Promise<string>
  /** What the host of this home says about itself; undefined when none runs. */
  host(): Promise<HostStatus | undefined>
}

/** An empty project that is gone when the surrounding tests are over. */
export function project({ door = 'pip', home }: { door?: Door; home?: string } = {}): Project {
  const base = join(realpathSync(tmpdir()), `thampi-journey-${randomBytes(4).toString('hex')}`)
  const made = openProject(join(base, 'project'), home ?? join(base, 'home'), door)
  // Not at once: tests that are left out end without `afterAll`.
  beforeAll(() => void mkdirSync(made.dir, { recursive: true }))
  afterAll(async () => {
    await endEverythingOf(made)
    rmSync(base, { recursive: true, force: true, maxRetries: 3 })
  })
  return made
}

function openProject(dir: string, home: string, door: Door): Project {
  const env = environment(dir, home, door)
  const start = (
    file: string,
    args: readonly string[],
    { input, env: more, cwd = '' }: Around = {},
  ): Running => {
    const child = spawn(file, args, { cwd: join(dir, cwd), env: { ...env, ...more } })
    child.stdin?.on('error', () => {}).end(input ?? '')
    return watched(child)
  }
  return {
    dir,
    home,
    env,
    write: (path, text) => {
      mkdirSync(dirname(join(dir, path)), { recursive: true })
      writeFileSync(join(dir, path), text)
    },
    read: path => readFileSync(join(dir, path), 'utf8'),
    snapshot: () => digestsIn(dir),
    thampi: (args, around) => start('thampi', args, around).ended,
    start: (args, around) => start('thampi', args, around),
    run: (file, args, around) => start(file, args, around).ended,
    python: async (args, around) => {
      const { status, out, err } = await start('python', args, around).ended
      if (status !== 0) throw new Error(`python ${args[0]} ended with ${status}:\n${err}`)
      return out
    },
    host: () => runningHost(layout(join(home, 'local'))),
  }
}

/** Of the machine what a shell has; of Thampi, Python and Node nothing but what the journey sets. */
function environment(dir: string, home: string, door: Door): Record<string, string> {
  const ours =
    /^(THAMPI_|PYTHON|VIRTUAL_ENV|CONDA_|AWS_|NODE_|npm_|VITEST|XDG_|PORT$|HOST$|NO_COLOR$|FORCE_COLOR$)/
  const passed = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !ours.test(entry[0]),
  )
  return {
    ...Object.fromEntries(passed),
    PATH: pathThrough(door),
    VIRTUAL_ENV: venv,
    THAMPI_HOME: home,
    AWS_CONFIG_FILE: join(dir, '..', 'aws.ini'),
    AWS_SHARED_CREDENTIALS_FILE: join(dir, '..', 'credentials.ini'),
  }
}

function watched(child: ChildProcess): Running {
  const said = { out: '', err: '' }
  const listeners = new Set<() => void>()
  for (const name of ['out', 'err'] as const) {
    child[`std${name}`]?.setEncoding('utf8').on('data', (piece: string) => {
      said[name] += piece
      for (const listener of listeners) listener()
    })
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ status: signal ? null : code, ...said }))
  })
  return {
    pid: child.pid ?? 0,
    said,
    ended,
    kill: signal => void child.kill(signal),
    untilItSays: words =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (typeof words === 'string' ? said.err.includes(words) : words.test(said.err)) resolve()
        }
        listeners.add(look)
        look()
        void ended.then(() => reject(new Error(`it ended without saying ${words}:\n${said.err}`)))
      }),
  }
}

function digestsIn(dir: string): Record<string, string> {
  const digests: Record<string, string> = {}
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    digests[path.slice(dir.length + 1)] = createHash('sha256').update(readFileSync(path)).digest('hex')
  }
  return digests
}

async function endEverythingOf({ thampi, home, host }: Project): Promise<void> {
  const { status, err } = await thampi(['host', '--stop'])
  const left = await remaining(home)
  // Ours without doubt: they name a directory that only this journey knows.
  for (const { pid } of left) process.kill(pid, 'SIGKILL')
  expect({ status, err, left, host: await host() }).toEqual({ status: 0, err: '', left: [], host: undefined })
}

async function remaining(home: string): Promise<Process[]> {
  for (let attempt = 0; attempt < 50 && processesOf(home).length > 0; attempt++) await sleep(100)
  return processesOf(home)
}
