/** From the arguments to the command that runs, and the session it runs in. */
import { CommanderError } from 'commander'
import type { Run } from './command.ts'
import type { Manner, Output } from './output.ts'
import { buildProgram } from './program.ts'
import type { Session } from './session.ts'

/** What the surrounding run lends to the command. */
export interface Surroundings {
  /** Called once the arguments are understood. */
  speak(manner: Manner): Output
  interrupts(): AbortSignal
}

/** Runs the command that `args` name; gives the exit status. Throws ThampiError for everything a user can meet. */
export async function parseAndRun(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let status = 0
  const run: Run = async command => {
    status = (await command(sessionOf(program.opts(), surroundings))) ?? 0
  }
  const words = plainly(args)
  const program = buildProgram(words, run)
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    // Help was asked for and given.
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    throw error
  }
  return status
}

/** `thampi` alone asks for help; `thampi --json --version` names no command and still means one. */
function plainly(args: readonly string[]): string[] {
  if (args.length === 0) return ['--help']
  const isVersion = (arg: string) => arg === '--version' || arg === '-v'
  if (args.every(arg => arg.startsWith('-')) && args.some(isVersion)) {
    return ['version', ...args.filter(arg => !isVersion(arg))]
  }
  const command = args.findIndex(arg => !arg.startsWith('-'))
  return args.filter((arg, i) => i > command || !isVersion(arg))
}

function sessionOf(flags: Readonly<Record<string, unknown>>, surroundings: Surroundings): Session {
  const text = (name: string) => (typeof flags[name] === 'string' ? flags[name] : undefined)
  const output = surroundings.speak({
    json: flags.json === true,
    quiet: flags.quiet === true || Boolean(process.env.THAMPI_QUIET),
    verbose: flags.verbose === true,
    color: flags.color === 'always' ? 'always' : isOff(flags.color) || flags.no_color ? 'never' : 'auto',
  })
  return {
    output,
    settingsFile: text('settingsFile') ?? text('settings_file') ?? text('zappaSettingsFile'),
    platform: text('platform'),
    mayAsk: flags.input !== false && !flags.no_input,
    interrupts: () => surroundings.interrupts(),
  }
}

/** `--color never`, or `--no-color`, which the parser keeps under the same name. */
function isOff(color: unknown): boolean {
  return color === 'never' || color === false
}
