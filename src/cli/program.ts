/**
 * The command line: groups of commands in the order of its help, and the options that all of them have. What a command
 * does is loaded when it runs, so that help comes at once.
 */
import { type Command, type CommanderError, Option } from 'commander'
import type { Run } from './command.ts'
import { look } from './groups/look.ts'
import { operate } from './groups/operate.ts'
import { pack } from './groups/pack.ts'
import { startHere } from './groups/start-here.ts'
import { OurCommand, TwoSpellings } from './help.ts'
import { asUsage, usage } from './usage.ts'

export function buildProgram(args: readonly string[], run: Run): Command {
  const fail = (error: CommanderError, command: Command): never => {
    throw error.exitCode === 0 ? error : asUsage(error, command, args)
  }
  const program = new OurCommand('thampi')
    .description('From a trained model to an HTTP endpoint')
    .configureOutput({ writeErr: () => {} })
    .exitOverride(error => fail(error, program))
    .helpOption('-h, --help', 'this help; after a command, the help of that command')
    .helpCommand('help [command]', 'Show the help of a command')
    .addHelpText('after', '\nExample: thampi serve     the newest model in ./models, on this machine')
  addCommonOptions(program)
  startHere(program, run)
  look(program, run)
  pack(program, run)
  operate(program, run)
  zappasNames(program)
  for (const command of program.commands) command.exitOverride(error => fail(error, command))
  return program
}

/** Options that may stand anywhere in the line, before or after the command. */
function addCommonOptions(program: Command): void {
  program
    .option('-j, --json', 'one JSON document on stdout, also for errors')
    .option('-q, --quiet', 'the result only')
    .option('--verbose', 'more: which settings are used, stacks of errors')
    .addOption(new Option('--color <when>', 'auto, always or never').choices(['auto', 'always', 'never']))
    .option('--no-color', 'no colours')
    .addOption(new Option('--no-input', 'never ask; fail naming the missing flag'))
    .option('-s, --settings-file <file>', 'settings file (default: ./zappa_settings.json)')
    .addOption(new Option('--platform <name>', 'where to serve: local or aws').choices(['local', 'aws']))
    .addOption(new Option('--settings_file <file>').hideHelp())
    .addOption(new TwoSpellings('--zappa_settings_file <file>', '').hideHelp())
    .addOption(new Option('--no_input').hideHelp())
    .addOption(new Option('--no_color').hideHelp())
  // Zappa's, in people's fingers and scripts; nothing here depends on them.
  for (const flags of ['--app_function <name>', '--disable_progress', '--no_venv']) {
    program.addOption(new TwoSpellings(flags, '').hideHelp())
  }
  program.addOption(new Option('-a <name>').hideHelp())
}

/** Zappa's names for what is one command here. */
function zappasNames(program: Command): void {
  for (const name of ['deploy', 'update']) {
    program
      .command(`${name} [words...]`, { hidden: true })
      .allowUnknownOption()
      .action(([stage]: string[]) => {
        const words = ['thampi serve', stage].filter(word => word !== undefined && !word.startsWith('-'))
        throw usage(`thampi has no "${name}": serve does both.`, words.join(' '))
      })
  }
}
