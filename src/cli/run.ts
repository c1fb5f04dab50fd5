/** One run of the command line: signals, pipes, errors and the exit status around the command itself. */
import * as module from 'node:module'
import { ThampiError } from '../errors.ts'
import { type Manner, Output } from './output.ts'
import { parseAndRun } from './parse.ts'
import { report } from './report.ts'

/** Runs `args` and ends the process. */
export async function runCommandLine(args: readonly string[]): Promise<never> {
  // Since Node 22.8: a second start reads compiled code instead of compiling.
  if ('enableCompileCache' in module && typeof module.enableCompileCache === 'function')
    module.enableCompileCache()
  endQuietlyWhenNobodyReads()

  let output = new Output(mannerBeforeParsing(args), process.env)
  const interrupts = new AbortController()
  let commandStopsItself = false
  process.on('SIGINT', () => {
    if (commandStopsItself && !interrupts.signal.aborted) return interrupts.abort()
    report(
      new ThampiError('INTERRUPTED', { message: 'Stopped. The same command takes it up again.' }),
      output,
    )
    process.exit(130)
  })
  try {
    const status = await parseAndRun(args, {
      speak: manner => {
        output = new Output(manner, process.env)
        return output
      },
      interrupts: () => {
        commandStopsItself = true
        return interrupts.signal
      },
    })
    return await end(interrupts.signal.aborted ? 130 : status)
  } catch (error) {
    return end(report(error, output))
  }
}

/** `thampi logs | head` closes the pipe early. That is how a reader says "enough", not an error. */
function endQuietlyWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || error.code === 'EOF') process.exit(0)
      throw error
    })
  }
}

/** Needed only for errors in the arguments themselves. */
function mannerBeforeParsing(args: readonly string[]): Manner {
  const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  return {
    json: options.includes('--json') || options.includes('-j'),
    quiet: false,
    verbose: options.includes('--verbose'),
    color: options.includes('--no-color') ? 'never' : 'auto',
  }
}

/** Ends now, whatever timers and idle connections are left, but not before the last byte is out. */
async function end(status: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>(resolve => stream.write('', () => resolve()))
  }
  process.exit(status)
}
