/** The commands and their options. What a command does is loaded when it runs, so that help comes at once. */
import { Argument, type Command, type CommanderError, Option } from 'commander'
import { aboveZero, command, packing, type Run } from './command.ts'
import { OurCommand, TwoSpellings } from './help.ts'
import { levels } from './levels.ts'
import { packagingCommands } from './packaging.ts'
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
  packagingCommands(program, run)
  operate(program, run)
  zappasNames(program)
  for (const command of program.commands) command.exitOverride(error => fail(error, command))
  return program
}

function startHere(program: Command, run: Run): void {
  program.commandsGroup('Start here:')
  command(program, 'demo', 'Serve a model that comes with thampi: a URL in three seconds', [
    'thampi demo --open',
  ])
    .option('--open', 'show its page in the browser')
    .option('--stop', 'end it')
    .action(flags => run(async session => (await import('./commands/demo.ts')).demoCommand(flags, session)))

  command(program, 'create [dir]', 'Start a project with a first model', ['thampi create iris --template ts'])
    .addOption(new Option('--template <name>', 'ts, python or onnx').choices(['ts', 'python', 'onnx']))
    .action((dir, flags) =>
      run(async session => (await import('./commands/create.ts')).createCommand(dir, flags, session)),
    )

  command(program, 'init', 'Answer four questions, get zappa_settings.json', [
    'thampi init --name mymodel --bucket thampi-store --yes',
  ])
    .option('--name <name>', 'what the model is called in its URL')
    .option('--profile <profile>', 'AWS profile')
    .option('--region <region>', "AWS region (default: the profile's)")
    .option('--bucket <bucket>', 'S3 bucket for deployments')
    .addOption(new TwoSpellings('--package-manager <name>', 'conda or pip').choices(['conda', 'pip']))
    .option('-y, --yes', 'take the default for every answer not given')
    .action(flags => run(async session => (await import('./commands/init.ts')).initCommand(flags, session)))

  packing(
    command(program, 'serve [stage]', 'Turn a saved model into a URL that answers', [
      'thampi serve staging --model_dir=./models/iris-sklearn',
    ]),
  )
    .addOption(
      new TwoSpellings('--served_time_utc <time>', 'fix the time of serving: 2018-09-06T22:03:09.247038'),
    )
    .addOption(
      new TwoSpellings('--dry-run', 'list what would be changed, and change nothing').conflicts('watch'),
    )
    .option('--watch', 'in dev: serve again whenever a file changes, until Ctrl-C')
    .addOption(new TwoSpellings('--no-try', 'for AWS: do not load the package here before it is uploaded'))
    .action((stage, flags) =>
      run(async session => (await import('./commands/serve.ts')).serveCommand(stage, flags, session)),
    )

  command(program, 'wrap <file>', 'Make a saved model of a bare scikit-learn estimator; runs the file', [
    'thampi wrap model.joblib --name iris',
  ])
    .option('-o, --out <dir>', "where the model's directory goes (default: ./models)")
    .option('--name <name>', "what the model is called (default: the file's name)")
    .option('--probabilities', 'answer with what predict_proba gives as well')
    .option('--example <json>', 'one input whose answer is recorded, and replayed before traffic')
    .addOption(
      new Option('--trust <types>', 'types in a skops file that may be made, separated by commas').argParser(
        (types: string) => types.split(',').filter(Boolean),
      ),
    )
    .option('--python <python>', 'Python that wrote the file: a path, a directory or a version such as 3.12')
    .action((file, flags) =>
      run(async session => (await import('./commands/wrap.ts')).wrapCommand(file, flags, session)),
    )

  command(program, 'predict [stage]', 'Ask the model', [
    `thampi predict staging --data='{"input": [5.9, 3.2, 4.8, 1.8]}'`,
  ])
    .option('--data <json>', 'what the model gets: JSON, @file, or - for standard input')
    .addOption(
      new Option('--example [number]', 'what was recorded when the model was saved (default: the first)')
        .argParser(aboveZero('thampi predict staging --example 2'))
        .conflicts('data'),
    )
    .action((stage, flags) =>
      run(async session => (await import('./commands/predict.ts')).predictCommand(stage, flags, session)),
    )

  examplesCommand(program, run)
}

function examplesCommand(program: Command, run: Run): void {
  command(program, 'examples', 'What every version has to answer: add, list or remove examples', [
    'thampi examples list ./models/iris',
    `thampi examples add ./models/iris --data='{"input": [5.9, 3.2, 4.8, 1.8]}'`,
    'thampi examples remove ./models/iris 2',
  ])
    .addArgument(new Argument('<action>').choices(['add', 'list', 'remove']))
    .argument('<model_dir>')
    .argument('[numbers...]')
    .option('--data <json>', 'add: what the model gets: JSON, @file, or - for standard input')
    .option('--result <json>', 'add: what it has to answer (default: what it answers when it is asked now)')
    .option('--python <python>', 'add: Python for the model: a path, a directory or a version such as 3.12')
    .option('--all', 'remove: every example')
    .action((action, modelDir, numbers, flags) =>
      run(async session =>
        (await import('./commands/examples.ts')).examplesCommand(action, modelDir, numbers, flags, session),
      ),
    )
}

function look(program: Command, run: Run): void {
  program.commandsGroup('Look:')
  command(program, 'info [stage]', 'Where a stage answers', ['thampi info staging']).action(stage =>
    run(async session => (await import('./commands/info.ts')).infoCommand(stage, session)),
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
      run(async session => (await import('./commands/replay.ts')).replayCommand(id, stage, flags, session)),
    )

  command(program, 'status [stage]', 'How a stage does: rate, errors, processes', ['thampi status staging'])
    .option('--watch', 'show it again every two seconds, until Ctrl-C')
    .action((stage, flags) =>
      run(async session => (await import('./commands/status.ts')).statusCommand(stage, flags, session)),
    )

  command(program, 'versions [stage]', 'What was released, and what gets traffic', [
    'thampi versions staging',
  ]).action(stage =>
    run(async session => (await import('./commands/versions.ts')).versionsCommand(stage, session)),
  )

  forCallers(program, run)

  command(program, 'diff <a> <b>', 'What is different between two versions, also in their answers', [
    'thampi diff staging@12 staging@13',
    'thampi diff staging ./models/iris',
  ]).action((a, b) => run(async session => (await import('./commands/diff.ts')).diffCommand(a, b, session)))

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
          ? (await import('./commands/doctor.ts')).doctorCommand(session)
          : (await import('./commands/live.ts')).liveCommand(live, session),
      ),
    )

  command(program, 'version', 'Versions of the command, the Python package and Node', [
    'thampi version --json',
  ]).action(() => run(async session => (await import('./commands/version.ts')).versionCommand(session)))
}

function forCallers(program: Command, run: Run): void {
  command(program, 'open [stage]', 'The address of a page to try a stage and to move its traffic', [
    'thampi open staging',
  ]).action(stage => run(async session => (await import('./commands/open.ts')).openCommand(stage, session)))

  command(program, 'openapi [stage]', 'What callers need to know, as an OpenAPI 3.1 document', [
    'thampi openapi staging > openapi.json',
  ]).action(stage =>
    run(async session => (await import('./commands/openapi.ts')).openapiCommand(stage, session)),
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
        (await import('./commands/client.ts')).clientCommand(language, stage, flags, session),
      ),
    )
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
    run(async session => (await import('./commands/logs.ts')).logsCommand(stage, flags, session)),
  )
  options(
    command(program, 'tail [stage]', 'The same, written as Zappa did: [milliseconds] text', [
      'thampi tail staging --since=3m',
    ]),
  ).action((stage, flags) =>
    run(async session => (await import('./commands/logs.ts')).tailCommand(stage, flags, session)),
  )
}

function operate(program: Command, run: Run): void {
  program.commandsGroup('Operate:')
  command(program, 'rollback [stage]', 'Go back to an earlier version', ['thampi rollback staging'])
    .addOption(
      new TwoSpellings(
        '--num-rollback <steps>',
        'how many releases back; -n for short (default: 1)',
      ).argParser(aboveZero('thampi rollback staging --num-rollback 1')),
    )
    .addOption(
      new Option('-n <steps>').argParser(aboveZero('thampi rollback staging --num-rollback 1')).hideHelp(),
    )
    .addOption(
      new Option('--to <version>', 'this version').argParser(
        aboveZero('thampi rollback staging --num-rollback 1'),
      ),
    )
    .action((stage, flags) =>
      run(async session => (await import('./commands/route.ts')).rollbackCommand(stage, flags, session)),
    )

  command(program, 'route [words...]', 'Divide the traffic between versions', [
    'thampi route staging 12=90 13=10',
  ]).action(words => run(async session => (await import('./commands/route.ts')).routeCommand(words, session)))

  command(program, 'keys', 'Who may ask: create, list or revoke API keys', [
    'thampi keys create staging billing',
    'thampi keys list staging',
    'thampi keys revoke staging billing',
  ])
    .addArgument(new Argument('<action>').choices(['create', 'list', 'revoke']))
    .argument('[stage]')
    .argument('[name]')
    .action((action, stage, name) =>
      run(async session => (await import('./commands/keys.ts')).keysCommand(action, stage, name, session)),
    )

  command(program, 'iam <action> [stage]', 'The AWS policy that deploying needs', [
    'thampi iam print staging',
  ])
    .addHelpText('after', '\nThe only action is print. Without a stage: the first one that is served on AWS.')
    .action((action, stage) =>
      run(async session => {
        if (action !== 'print')
          throw usage(`thampi iam has no "${action}".`, ['thampi iam print', stage].filter(Boolean).join(' '))
        return (await import('./commands/iam.ts')).iamCommand(stage, session)
      }),
    )

  command(program, 'undeploy [stage]', 'Stop serving a stage', ['thampi undeploy staging --yes'])
    .option('-y, --yes', 'do not ask')
    .addOption(new TwoSpellings('--remove-logs', 'remove its logs as well'))
    .action((stage, flags) =>
      run(async session => (await import('./commands/undeploy.ts')).undeployCommand(stage, flags, session)),
    )

  command(program, 'clean', 'Delete work files that can be made again', [
    'thampi clean --scope=project --dry-run',
  ])
    .addOption(
      new Option('--scope <scope>', 'project, or all that Thampi keeps on this machine (required)')
        .choices(['project', 'all'])
        .makeOptionMandatory(),
    )
    .option('-y, --yes', 'do not ask')
    .addOption(new TwoSpellings('--dry-run', 'show what would be deleted'))
    .option('--force', 'even while a stage is served')
    .action(flags => run(async session => (await import('./commands/clean.ts')).cleanCommand(flags, session)))

  command(program, 'host', 'Run the local platform in this terminal', ['thampi host --port 8800'])
    .addOption(new Option('--port <number>', 'where it listens; 0 picks a free one').argParser(port))
    .option('--stop', 'stop the one that runs')
    // How `thampi serve` starts it; in a terminal it always stays in the foreground.
    .addOption(new Option('--background').hideHelp())
    .addOption(new Option('--foreground').hideHelp())
    .action(flags => run(async session => (await import('./commands/host.ts')).hostCommand(flags, session)))
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

function level(text: string): string {
  const known = text.toUpperCase()
  if (levels.includes(known)) return known
  throw usage(`"${text}" is not a level.`, 'thampi logs --level WARNING', `Levels are ${levels.join(', ')}.`)
}

function port(text: string): number {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number <= 65535) return number
  throw usage(`"${text}" is not a port.`, 'thampi host --port 8800', 'A port is a number from 0 to 65535.')
}
