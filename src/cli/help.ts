/** Help for people who see it for the first time: what to do, then with which options, then one example. */
import { Command, Help, Option } from 'commander'
import { columns } from './columns.ts'

/**
 * One option in two spellings: with underscores, as published in 2018, and with dashes, as everywhere else.
 * Help shows the one it was declared with.
 */
export class TwoSpellings extends Option {
  readonly shown: string

  constructor(flags: string, description: string) {
    const [name = '', argument] = flags.split(' ')
    const dashes = `--${name.slice(2).replaceAll('_', '-')}`
    const underscores = `--${name.slice(2).replaceAll('-', '_')}`
    // The last one names the value: commander makes `modelDir` of dashes only.
    super([`${underscores}, ${dashes}`, argument].filter(Boolean).join(' '), description)
    this.shown = flags
  }
}

/** A command whose help, and that of its commands, is laid out here. */
export class OurCommand extends Command {
  override createHelp(): Help {
    return new OurHelp()
  }

  override createCommand(name?: string): Command {
    return new OurCommand(name)
  }
}

/**
 * Understood before the parser sees it, so that a command may have a `--version` of its own; help shows it all the same.
 */
const versionOption = new Option('-v, --version', 'show the version')

class OurHelp extends Help {
  override formatHelp(command: Command): string {
    const isRoot = command.parent === null
    const options = this.visibleOptions(command).filter(option => isRoot || option.long !== '--help')
    if (isRoot) options.push(versionOption)
    const rows = options.map(option => [shownFlags(option), option.description] as const)
    const sections = [
      [`Usage: ${usageOf(command)}`],
      [`${command.description()}${/[.?]$/.test(command.description()) ? '' : '.'}`],
      ...this.#commandGroups(command),
      ...(rows.length === 0 ? [] : [[isRoot ? 'Options of every command:' : 'Options:', ...columns(rows)]]),
    ]
    return `${sections.map(lines => lines.join('\n')).join('\n\n')}\n`
  }

  /** All groups share one left column, so that the eye finds the explanations in one line. */
  #commandGroups(command: Command): string[][] {
    const commands = this.visibleCommands(command).filter(it => it.name() !== 'help')
    const lines = columns(commands.map(it => [termOf(it), it.description()] as const))
    const groups = new Map<string, string[]>()
    let at = 0
    for (const it of commands) {
      const group = groups.get(it.helpGroup()) ?? [it.helpGroup()]
      groups.set(it.helpGroup(), group)
      // The lines of one command end where the next term begins.
      do group.push(lines[at++] ?? '')
      while (lines[at]?.startsWith('   '))
    }
    return [...groups.values()]
  }
}

function usageOf(command: Command): string {
  return command.parent === null
    ? `${command.name()} <command> [stage] [options]`
    : [command.parent.name(), command.name(), ...argumentsOf(command), '[options]'].join(' ')
}

/** The first argument is enough for an overview. */
function termOf(command: Command): string {
  return [[command.name(), ...command.aliases()].join(', '), ...argumentsOf(command).slice(0, 1)].join(' ')
}

function argumentsOf(command: Command): string[] {
  return command.registeredArguments.map(argument =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  )
}

function shownFlags(option: Option): string {
  return option instanceof TwoSpellings ? option.shown : option.flags
}
