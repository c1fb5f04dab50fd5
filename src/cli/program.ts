/** The commands and their options, and how the help presents them. What a command does is loaded when it runs. */
import { Command, CommanderError, Option } from 'commander'
import type { Manner, Output } from './output.ts'
import type { Done, Session } from './session.ts'
import { asUsage, usage } from './usage.ts'

/** What the surrounding run lends to the command. */
export interface Surroundings {
  /** Called once the arguments are understood. */
  speak(manner: Manner): Output
  interrupts(): AbortSignal
}

const start = 'Start here:'
const look = 'Look:'
const operate = 'Operate:'

/** Runs the command that `args` name; gives the exit status. Throws ThampiError for everything a user can meet. */
export async function parseAndRun(args: readonly string[], surroundings: Surroundings): Promise<number> {
  if (asksForVersion(args)) args = ['version', ...args.filter(arg => arg !== '--version' && arg !== '-v')]
  let status = 0
  const run = async (command: (session: Session) => Done): Promise<void> => {
    status = (await command(sessionOf(program, surroundings))) ?? 0
  }
  const program = buildProgram(run)
  try {
    await program.parseAsync(args.length === 0 ? ['--help'] : [...args], { from: 'user' })
  } catch (error) {
    // Help was asked for and given.
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    throw error
  }
  return status
}

/** `thampi --json --version`: no command, only options. */
function asksForVersion(args: readonly string[]): boolean {
  return args.every(arg => arg.startsWith('-')) && args.some(arg => arg === '--version' || arg === '-v')
}

type Run = (command: (session: Session) => Done) => Promise<void>

function buildProgram(run: Run): Command {
  const program = new Command('thampi')
    .usage('<command> [stage] [options]')
    .description('From a trained model to an HTTP endpoint.')
    .configureHelp({ helpWidth: 80 })
    .configureOutput({ writeErr: () => {} })
    .helpOption('-h, --help', 'show help; "thampi <command> --help" for one command')
    .helpCommand(false)
    .addHelpText('after', `\n${example('thampi serve', 'the newest model in ./models, on this machine')}`)
  addCommonOptions(program)

  const command = (usageText: string, group: string, description: string, exampleLine: string): Command => {
    const [name = '', ...rest] = usageText.split(' ')
    const added = program
      .command([name, ...rest].join(' '))
      .helpGroup(group)
      .summary(description.split('\n')[0] ?? '')
      .description(description)
      .helpOption('-h, --help', 'show this help')
      .addHelpText('after', `\n${exampleLine}\n\nOptions of every command: thampi --help`)
    return added.exitOverride(error => fail(error, added))
  }

  command(
    'init',
    start,
    'answer four questions, get zappa_settings.json',
    example('thampi init --name mymodel --bucket thampi-store --yes', 'no questions'),
  )
    .option('--name <name>', 'what the model is called in its URL')
    .option('--profile <profile>', 'AWS profile; "none" for no AWS')
    .option('--region <region>', "AWS region (default: the profile's)")
    .option('--bucket <bucket>', 'S3 bucket for deployments')
    .addOption(spelled('--package-manager <name>', 'conda or pip').choices(['conda', 'pip']))
    .option('-y, --yes', 'take the default for every answer not given')
    .action(flags => run(async session => (await import('./commands/init.ts')).initCommand(flags, session)))

  command(
    'serve [stage]',
    start,
    'turn a saved model into a URL that answers',
    example('thampi serve staging --model_dir=./models/iris-sklearn'),
  )
    .addOption(spelled('--model_dir <dir>', 'directory that thampi.save() wrote (default: newest in ./models)'))
    .addOption(spelled('--dependency_file <file>', 'requirements.txt or conda YAML (default: as installed now)'))
    .addOption(spelled('--project_dir <dir>', 'project with files the model needs (default: current directory)'))
    .addOption(spelled('--served_time_utc <time>', 'fix the time of serving, such as 2018-09-06T22:03:09'))
    .option('--python <python>', 'Python for the model: a path, a directory or a version')
    .addOption(
      spelled('--include_secret <path>', 'pack this file although it looks secret; repeatable').argParser(
        (path: string, before: string[] = []) => [...before, path],
      ),
    )
    .action((stage, flags) =>
      run(async session => (await import('./commands/serve.ts')).serveCommand(stage, flags, session)),
    )

  command('info [stage]', look, 'where a stage answers', example('thampi info staging')).action(stage =>
    run(async session => (await import('./commands/info.ts')).infoCommand(stage, session)),
  )

  command(
    'predict [stage]',
    start,
    'ask the model',
    example(`thampi predict staging --data='{"input": [5.9, 3.2, 4.8, 1.8]}'`),
  )
    .option('--data <json>', 'what the model gets: JSON, @file, or - for stdin')
    .action((stage, flags) =>
      run(async session => (await import('./commands/predict.ts')).predictCommand(stage, flags, session)),
    )

  command(
    'logs [stage]',
    look,
    'what the model printed and what was asked of it',
    example('thampi logs staging --since=3m'),
  )
    .alias('tail')
    .option('--since <duration>', 'how far back: 90s, 3m, 1h30m, 2d', '100000s')
    .option('-f, --follow', 'go on until Ctrl-C')
    .option('--http', 'only requests')
    .addOption(new Option('--non-http', 'everything but requests').conflicts('http'))
    .option('--filter <text>', 'only lines with this text or request id')
    .addOption(spelled('--force-color', 'keep colours although this is no terminal'))
    .addOption(spelled('--disable-keep-open', '').hideHelp())
    .action((stage, flags) =>
      run(async session => (await import('./commands/logs.ts')).logsCommand(stage, flags, session)),
    )

  command('doctor', look, 'is this machine ready? what would mend it?', example('thampi doctor')).action(() =>
    run(async session => (await import('./commands/doctor.ts')).doctorCommand(session)),
  )

  command('undeploy [stage]', operate, 'stop serving a stage', example('thampi undeploy staging --yes'))
    .option('-y, --yes', 'do not ask')
    .addOption(spelled('--remove-logs', 'its logs as well'))
    .action((stage, flags) =>
      run(async session => (await import('./commands/undeploy.ts')).undeployCommand(stage, flags, session)),
    )

  command(
    'clean',
    operate,
    'delete work files that can be made again',
    example('thampi clean --scope=project --dry-run', 'only shows them'),
  )
    .addOption(
      new Option('--scope <scope>', 'of this project, or all that Thampi keeps')
        .choices(['project', 'all'])
        .makeOptionMandatory(),
    )
    .option('-y, --yes', 'do not ask')
    .addOption(spelled('--dry-run', 'show what would be deleted'))
    .option('--force', 'even while a stage is served')
    .action(flags => run(async session => (await import('./commands/clean.ts')).cleanCommand(flags, session)))

  command(
    'host',
    operate,
    'run the local platform in this terminal',
    example('thampi host --port 8800', '"thampi serve" starts one by itself'),
  )
    .addOption(new Option('--port <number>', 'where it listens; 0 picks a free one').env('PORT').argParser(port))
    .addOption(new Option('--foreground', 'the only way it runs; accepted for clarity').hideHelp())
    .action(flags => run(async session => (await import('./commands/host.ts')).hostCommand(flags, session)))

  command('version', look, 'versions of the command, the Python package and Node', example('thampi version --json')).action(
    () => run(async session => (await import('./commands/version.ts')).versionCommand(session)),
  )

  for (const zappa of ['deploy', 'update']) {
    program
      .command(`${zappa} [words...]`, { hidden: true })
      .allowUnknownOption()
      .action(([stage]: string[]) => {
        throw usage(
          `thampi has no "${zappa}": serve does both.`,
          ['thampi serve', stage].filter(word => word !== undefined && !word.startsWith('-')).join(' '),
        )
      })
  }
  return program.exitOverride(error => fail(error, program))
}

function fail(error: CommanderError, command: Command): never {
  throw error.exitCode === 0 ? error : asUsage(error, command)
}

/** Options that stand anywhere in the line, before or after the command. */
function addCommonOptions(program: Command): void {
  const hidden = (flags: string): void => {
    program.addOption(spelled(flags, '').hideHelp())
  }
  program
    .optionsGroup('Options of every command:')
    .option('-j, --json', 'one JSON document on stdout, also for errors')
    .option('-q, --quiet', 'the result only')
    .option('--verbose', 'more: where settings come from, stacks of errors')
    .addOption(new Option('--color <when>', 'colours: auto, always, never').choices(['auto', 'always', 'never']))
    .option('--no-color', 'no colours')
    .option('--no-input', 'never ask; fail naming the missing flag')
    .option('-s, --settings-file <file>', 'settings file (default: ./zappa_settings.json)')
    .addOption(new Option('--platform <name>', 'where to serve: local, aws').choices(['local', 'aws']))
    .option('-v, --version', 'show the version')
  hidden('--settings_file, --zappa_settings_file <file>')
  hidden('--zappa-settings-file <file>')
  // Zappa's, in people's fingers and scripts; nothing here depends on them.
  hidden('-a, --app_function <name>')
  hidden('--disable_progress')
  hidden('--no_venv')
}

/** One option in both spellings: with underscores, as published in 2018, and with dashes. */
function spelled(flags: string, description: string): Option {
  const [name = '', argument] = flags.split(/ (?=<)/)
  if (name.includes(',') || !/[a-z][_-][a-z]/.test(name)) return new Option(flags, description)
  const dashes = `--${name.slice(2).replaceAll('_', '-')}`
  const underscores = `--${name.slice(2).replaceAll('-', '_')}`
  return new Option(`${underscores}, ${dashes}${argument ? ` ${argument}` : ''}`, description)
}

function example(line: string, remark?: string): string {
  return `Example:\n  ${line}${remark ? `\n  # ${remark}` : ''}`
}

function port(text: string): number {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number <= 65535) return number
  throw usage(`"${text}" is not a port.`, 'thampi host --port 8800', 'A port is a number from 0 to 65535.')
}

function sessionOf(program: Command, surroundings: Surroundings): Session {
  const flags: Readonly<Record<string, unknown>> = program.opts()
  const text = (name: string) => (typeof flags[name] === 'string' ? flags[name] : undefined)
  const output = surroundings.speak({
    json: flags.json === true,
    quiet: flags.quiet === true || Boolean(process.env.THAMPI_QUIET),
    verbose: flags.verbose === true,
    color: flags.color === 'always' ? 'always' : flags.color === 'never' || flags.color === false ? 'never' : 'auto',
  })
  return {
    output,
    settingsFile: text('settingsFile') ?? text('zappa_settings_file') ?? text('zappaSettingsFile'),
    platform: text('platform'),
    mayAsk: flags.input !== false,
    interrupts: () => surroundings.interrupts(),
  }
}
