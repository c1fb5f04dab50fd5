/** The commands that lead from nothing to a first answer. */
import { Argument, type Command, Option } from 'commander'
import { aboveZero, command, packing, type Run } from '../command.ts'
import { TwoSpellings } from '../help.ts'

export function startHere(program: Command, run: Run): void {
  program.commandsGroup('Start here:')
  command(program, 'demo', 'Serve a model that comes with thampi: a URL in three seconds', [
    'thampi demo --open',
  ])
    .option('--open', 'show its page in the browser')
    .option('--stop', 'end it')
    .action(flags => run(async session => (await import('../commands/demo.ts')).demoCommand(flags, session)))

  command(program, 'create [dir]', 'Start a project with a first model', ['thampi create iris --template ts'])
    .addOption(new Option('--template <name>', 'ts, python or onnx').choices(['ts', 'python', 'onnx']))
    .action((dir, flags) =>
      run(async session => (await import('../commands/create.ts')).createCommand(dir, flags, session)),
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
    .action(flags => run(async session => (await import('../commands/init.ts')).initCommand(flags, session)))

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
      run(async session => (await import('../commands/serve.ts')).serveCommand(stage, flags, session)),
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
      run(async session => (await import('../commands/wrap.ts')).wrapCommand(file, flags, session)),
    )

  command(program, 'predict [stage]', 'Ask the model', [
    `thampi predict staging --data='{"input": [5.9, 3.2, 4.8, 1.8]}'`,
  ])
    .option('--data <json>', 'what the model gets: JSON, @file, or - for standard input')
    .addOption(
      new Option('--example [number]', 'what was recorded when the model was saved (default: the first)')
        .preset('1')
        .argParser(aboveZero('thampi predict staging --example 2'))
        .conflicts('data'),
    )
    .action((stage, flags) =>
      run(async session => (await import('../commands/predict.ts')).predictCommand(stage, flags, session)),
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
        (await import('../commands/examples.ts')).examplesCommand(action, modelDir, numbers, flags, session),
      ),
    )
}
