/** Mistakes in the command line, in our words instead of the parser's. */
import type { Command, CommanderError } from 'commander'
import { ThampiError } from '../errors.ts'

/** An error that ends with exit status 2. */
export function usage(message: string, fix?: string, why?: string): ThampiError {
  return new ThampiError('USAGE', { message, why, fix })
}

/** What commander found wrong with the arguments of `command`. */
export function asUsage(error: CommanderError, command: Command): ThampiError {
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  const why = suggestion?.replace(/^\((.*)\)$/, '$1')
  return usage(sentence(first), `${fullName(command)} --help`, why)
}

function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name()
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.?!]$/.test(start) ? start : `${start}.`
}
