/** Mistakes in the command line, in our words instead of the parser's. */
import type { Command, CommanderError } from 'commander'
import { ThampiError } from '../errors.ts'
import { nearest } from '../settings/names.ts'
import { shellWord } from './shell-word.ts'

/** An error that ends with exit status 2. */
export function usage(message: string, fix?: string, why?: string): ThampiError {
  return new ThampiError('USAGE', { message, why, fix })
}

/** What commander found wrong with the `args` of `command`. */
export function asUsage(error: CommanderError, command: Command, args: readonly string[]): ThampiError {
  // Its way of saying that there are options but no command.
  if (error.code === 'commander.help') return usage('No command was given.', `${fullName(command)} --help`)
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  const wrong = /'(.+)'/.exec(first)?.[1]
  const meant = /^\(Did you mean (\S+)\?\)$/.exec(suggestion ?? '')?.[1] ?? optionNear(error, wrong, command)
  const corrected = meant === undefined ? undefined : correctedLine(args, wrong, meant)
  return usage(
    sentence(first),
    corrected ?? `${fullName(command)} --help`,
    meant === undefined ? suggestion?.replace(/^\((.*)\)$/, '$1') : `Did you mean ${meant}?`,
  )
}

/** The parser takes `--option=value` for one word, which has nothing near it when the value is long. */
function optionNear(
  { code }: CommanderError,
  wrong: string | undefined,
  command: Command,
): string | undefined {
  if (code !== 'commander.unknownOption' || wrong === undefined) return undefined
  const options = [...command.options, ...(command.parent?.options ?? [])].filter(({ hidden }) => !hidden)
  // Those in two spellings keep the first one where others have a letter.
  const names = options.flatMap(({ short, long }) => [short ?? '', long ?? ''])
  return nearest(
    wrong.replace(/=.*$/s, ''),
    names.filter(name => name.startsWith('--')),
  )
}

/** The whole line, ready to paste, with the one word replaced; undefined when it is not clear which. */
function correctedLine(
  args: readonly string[],
  wrong: string | undefined,
  meant: string,
): string | undefined {
  const at = wrong === undefined ? -1 : args.indexOf(wrong)
  // The parser names `--modle_dir=x` as a whole, but means only the name in it.
  const value = /=.*$/s.exec(args[at] ?? '')?.[0] ?? ''
  const line = args.map((arg, i) => shellWord(i === at ? meant + value : arg))
  return at < 0 ? undefined : ['thampi', ...line].join(' ')
}

function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name()
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.?!]$/.test(start) ? start : `${start}.`
}
