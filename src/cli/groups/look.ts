/** The commands that change nothing: what is served, and how it does. */
import { Argument, type Command, Option } from 'commander'
import { aboveZero, command, type Run } from '../command.ts'
import { TwoSpellings } from '../help.ts'
import { levels } from '../levels.ts'
import { usage } from '../usage.ts'

export function look(program: Command, run: Run): void {
  program.commandsGroup('Look:')
  command(program, 'info [stage]', 'Where a stage answers', ['thampi info staging']).action(stage =>
    run(async session => (await import('../commands/info.ts')).infoCommand(stage, session)),
  )

  logsCommands(program, run)

  command(
    program,
    'replay <request_id> [stage]',
    'Ask a failed request again, of the version that answered it',
    ['thampi replay 01JDQ4W8Z0V7N3C5T9K2M6P1XA staging'],
  )
    .option('--pdb', 'in this terminal, with the debugger of Python where the model raises')
    .option('--inspect', 'in this terminal, stopped until the debugger of Node attaches')
    .action((id, stage, flags) =>
      run(async session => (await import('../commands/replay.ts')).replayCommand(id, stage, flags, session)),
    )

  command(program, 'status [stage]', 'How a stage does: rate, errors, processes', ['thampi status staging'])
    .option('--watch', 'show it again every two seconds, until Ctrl-C')
    .action((stage, flags) =>
      run(async session => (await import('../commands/status.ts')).statusCommand(stage, flags, session)),
    )

  command(program, 'versions [stage]', 'What was released, and what gets traffic', [
    'thampi versions staging',
  ]).action(stage =>
    run(async session => (await import('../commands/versions.ts')).versionsCommand(stage, session)),
  )

  forCallers(program, run)

  command(program, 'diff <a> <b>', 'What is different between two versions, also in their answers', [
    'thampi diff staging@12 staging@13',
    'thampi diff staging ./models/iris',
  ]).action((a, b) => run(async session => (await import('../commands/diff.ts')).diffCommand(a, b, session)))

  command(program, 'doctor', 'Is this machine ready, and what would mend it?', [
    'thampi doctor',
    'thampi doctor --live staging',
  ])
    .option(
      '--live <stage>',
      'is AWS as thampi takes it to be? Serves a tiny model there for some minutes, with the credentials of this stage, and removes it',
    )
    .action(({ live }) =>
      run(async session =>
        live === undefined
          ? (await import('../commands/doctor.ts')).doctorCommand(session)
          : (await import('../commands/live.ts')).liveCommand(live, session),
      ),
    )

  command(program, 'version', 'Versions of the command, the Python package and Node', [
    'thampi version --json',
  ]).action(() => run(async session => (await import('../commands/version.ts')).versionCommand(session)))
}

function logsCommands(program: Command, run: Run): void {
  const options = (one: Command): Command =>
    one
      .option('--since <duration>', 'how far back: 90s, 3m, 1h30m, 2d (default: 100000s)', '100000s')
      .option('-f, --follow', 'go on until Ctrl-C')
      .option('--http', 'only requests')
      .addOption(new TwoSpellings('--non-http', 'everything but requests').conflicts('http'))
      .addOption(new Option('--level <level>', `this level and above: ${levels.join(', ')}`).argParser(level))
      .addOption(new TwoSpellings('--request-id <id>', 'only lines of this request'))
      .addOption(
        new Option('--version <version>', 'only lines of this version').argParser(
          aboveZero('thampi logs staging --version 12'),
        ),
      )
      .option('--filter <text>', 'only lines with this text or request id')
      .addOption(new TwoSpellings('--force-color', 'keep colours although this is no terminal'))
      .addOption(new TwoSpellings('--disable-keep-open', '').hideHelp())

  options(
    command(program, 'logs [stage]', 'What the model printed and what was asked of it', [
      'thampi logs staging --since=3m',
    ]),
  ).action((stage, flags) =>
    run(async session => (await import('../commands/logs.ts')).logsCommand(stage, flags, session)),
  )
  options(
    command(program, 'tail [stage]', 'The same, written as Zappa did: [milliseconds] text', [
      'thampi tail staging --since=3m',
    ]),
  ).action((stage, flags) =>
    run(async session => (await import('../commands/logs.ts')).tailCommand(stage, flags, session)),
  )
}

function level(text: string): string {
  const known = text.toUpperCase()
  if (levels.includes(known)) return known
  throw usage(`"${text}" is not a level.`, 'thampi logs --level WARNING', `Levels are ${levels.join(', ')}.`)
}

function forCallers(program: Command, run: Run): void {
  command(program, 'open [stage]', 'The address of a page to try a stage and to move its traffic', [
    'thampi open staging',
  ]).action(stage => run(async session => (await import('../commands/open.ts')).openCommand(stage, session)))

  command(program, 'openapi [stage]', 'What callers need to know, as an OpenAPI 3.1 document', [
    'thampi openapi staging > openapi.json',
  ]).action(stage =>
    run(async session => (await import('../commands/openapi.ts')).openapiCommand(stage, session)),
  )

  const client = command(program, 'client', 'A typed client in one file, without dependencies', [
    'thampi client typescript staging -o iris.ts',
  ])
  client
    .addArgument(new Argument('<language>', 'typescript or python').choices(['typescript', 'python']))
    .argument('[stage]')
    .option('-o, --output <file>', 'write it there (default: standard output)')
    .action((language, stage, flags) =>
      run(async session =>
        (await import('../commands/client.ts')).clientCommand(language, stage, flags, session),
      ),
    )
}
