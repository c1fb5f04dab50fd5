/** Everything we ask of the machine, assembled once and handed down as an ordinary argument. */
import { type Environment, type Places, places } from './places.ts'
import { type ProgramOptions, type ProgramResult, run } from './programs.ts'

export interface System {
  readonly env: Environment
  readonly cwd: string
  readonly os: 'linux' | 'darwin' | 'win32'
  readonly arch: 'x64' | 'arm64'
  readonly places: Places
  readonly run: (file: string, args: readonly string[], options: ProgramOptions) => Promise<ProgramResult>
  readonly now: () => Date
  /** One step for people, while something takes time. Goes to stderr, never to stdout. */
  readonly tell: (line: string) => void
}

/** The real machine. Tests change single members with a spread. */
export function realSystem(tell: (line: string) => void = () => {}): System {
  return {
    env: process.env,
    cwd: process.cwd(),
    os: process.platform === 'win32' || process.platform === 'darwin' ? process.platform : 'linux',
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    places: places(process.env),
    run,
    now: () => new Date(),
    tell,
  }
}
