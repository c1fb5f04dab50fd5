/** The commands that pack a model for AWS Lambda without serving it. */
import type { Command } from 'commander'
import { aboveZero, command, excludeNewer, packing, type Run } from '../command.ts'
import { TwoSpellings } from '../help.ts'

export function pack(program: Command, run: Run): void {
  program.commandsGroup('Pack:')
  packing(
    command(program, 'plan [stage]', 'What serve would pack, create and cost, without doing it', [
      'thampi plan production --requests 1000000 --duration 20',
    ]),
  )
    .option('--try', 'for AWS: load the package here as well, and measure how long that takes')
    .option(
      '--requests <number>',
      'requests a month, for the cost (default: 100000)',
      aboveZero('thampi plan --requests 1000000'),
    )
    .option(
      '--duration <ms>',
      'how long one takes in the function, in milliseconds (default: 100)',
      aboveZero('thampi plan --duration 20'),
    )
    .addOption(new TwoSpellings('--free-tier', 'subtract what Lambda gives free each month'))
    .option('--prices <file>', 'JSON file with other prices')
    .action((stage, flags) =>
      run(async session => (await import('../commands/plan.ts')).planCommand(stage, flags, session)),
    )

  packing(
    command(program, 'package [stage]', 'What Lambda takes, in a directory, for deploy tools of your own', [
      'thampi package production -o dist',
    ]),
  )
    .requiredOption('-o, --output <dir>', 'where it goes; what package wrote there before is replaced')
    .option('--explain', 'list every file and where it comes from')
    .addOption(
      new TwoSpellings('--served_time_utc <time>', 'fix the time of serving: 2018-09-06T22:03:09.247038'),
    )
    .addOption(new TwoSpellings('--no-try', 'do not load the package here'))
    .action((stage, flags) =>
      run(async session => (await import('../commands/package.ts')).packageCommand(stage, flags, session)),
    )

  command(program, 'lock [stage]', 'Which wheels a model takes to Lambda, as pylock.toml', [
    'thampi lock production -o pylock.toml',
  ])
    .option('-o, --output <file>', 'write it there (default: standard output)')
    .addOption(
      new TwoSpellings('--model_dir <dir>', 'directory that save() wrote (default: the newest in ./models)'),
    )
    .addOption(
      new TwoSpellings(
        '--dependency_file <file>',
        'requirements.txt, pyproject.toml or conda file (default: the packages that save recorded)',
      ),
    )
    .option('--python <python>', 'Python for the model: a path, a directory or a version such as 3.12')
    .addOption(excludeNewer())
    .option('--upgrade', 'newer versions than the last time, where the file allows them')
    .action((stage, flags) =>
      run(async session => (await import('../commands/lock.ts')).lockCommand(stage, flags, session)),
    )
}
