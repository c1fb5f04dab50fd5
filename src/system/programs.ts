/** Other programs: always a file and a list of arguments, never a string for a shell. */
import { execa, type Options } from 'execa'
import type { Environment } from './places.ts'

export interface ProgramResult {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
  /** True when the program could not be started at all (not found, not executable). */
  readonly missing: boolean
}

export interface ProgramOptions {
  readonly cwd?: string
  /** The whole environment of the program; nothing is inherited beside it. */
  readonly env: Environment
  readonly input?: string
  /** Called with each line of stdout and stderr as it comes. */
  readonly onLine?: (line: string) => void
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

/** Runs a program to its end. A non-zero exit is a result, not an exception. */
export async function run(
  file: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  const settings: Options = {
    env: definedOnly(options.env),
    extendEnv: false,
    reject: false,
    windowsHide: true,
    stdin: options.input === undefined ? 'ignore' : 'pipe',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
  }
  const child = execa(file, args, settings)
  const { onLine } = options
  if (onLine) {
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ''
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split(/\r?\n|\r/)
        rest = lines.pop() ?? ''
        lines.forEach(onLine)
      })
      stream?.on('end', () => rest && onLine(rest))
    }
  }
  const result = await child
  return {
    exitCode: result.exitCode,
    stdout: String(result.stdout ?? ''),
    stderr: String(result.stderr ?? ''),
    missing: result.exitCode === undefined && !result.isTerminated && !result.timedOut,
  }
}

/** Runs a program that has the terminal to itself; gives its exit status. */
export async function runInForeground(
  file: string,
  args: readonly string[],
  { env, cwd }: Pick<ProgramOptions, 'env' | 'cwd'>,
): Promise<number> {
  const result = await execa(file, args, {
    env: definedOnly(env),
    extendEnv: false,
    reject: false,
    stdio: 'inherit',
    ...(cwd === undefined ? {} : { cwd }),
  })
  return result.exitCode ?? 1
}

function definedOnly(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
