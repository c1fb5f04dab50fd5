/** The commands that change what is served, and who may ask. */
import { Argument, type Command, Option } from 'commander'
import { aboveZero, command, type Run } from '../command.ts'
import { TwoSpellings } from '../help.ts'
import { usage } from '../usage.ts'

export function operate(program: Command, run: Run): void {
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
      run(async session => (await import('../commands/route.ts')).rollbackCommand(stage, flags, session)),
    )

  command(program, 'route [words...]', 'Divide the traffic between versions', [
    'thampi route staging 12=90 13=10',
  ]).action(words =>
    run(async session => (await import('../commands/route.ts')).routeCommand(words, session)),
  )

  command(program, 'keys', 'Who may ask: create, list or revoke API keys', [
    'thampi keys create staging billing',
    'thampi keys list staging',
    'thampi keys revoke staging billing',
  ])
    .addArgument(new Argument('<action>').choices(['create', 'list', 'revoke']))
    .argument('[stage]')
    .argument('[name]')
    .action((action, stage, name) =>
      run(async session => (await import('../commands/keys.ts')).keysCommand(action, stage, name, session)),
    )

  command(program, 'iam <action> [stage]', 'The AWS policy that deploying needs', [
    'thampi iam print staging',
  ])
    .addHelpText('after', '\nThe only action is print. Without a stage: the first one that is served on AWS.')
    .action((action, stage) =>
      run(async session => {
        if (action !== 'print')
          throw usage(`thampi iam has no "${action}".`, ['thampi iam print', stage].filter(Boolean).join(' '))
        return (await import('../commands/iam.ts')).iamCommand(stage, session)
      }),
    )

  command(program, 'undeploy [stage]', 'Stop serving a stage', ['thampi undeploy staging --yes'])
    .option('-y, --yes', 'do not ask')
    .addOption(new TwoSpellings('--remove-logs', 'remove its logs as well'))
    .action((stage, flags) =>
      run(async session => (await import('../commands/undeploy.ts')).undeployCommand(stage, flags, session)),
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
    .action(flags =>
      run(async session => (await import('../commands/clean.ts')).cleanCommand(flags, session)),
    )

  command(program, 'host', 'Run the local platform in this terminal', ['thampi host --port 8800'])
    .addOption(new Option('--port <number>', 'where it listens; 0 picks a free one').argParser(port))
    .option('--stop', 'stop the one that runs')
    // How `thampi serve` starts it; in a terminal it always stays in the foreground.
    .addOption(new Option('--background').hideHelp())
    .addOption(new Option('--foreground').hideHelp())
    .action(flags => run(async session => (await import('../commands/host.ts')).hostCommand(flags, session)))
}

function port(text: string): number {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number <= 65535) return number
  throw usage(`"${text}" is not a port.`, 'thampi host --port 8800', 'A port is a number from 0 to 65535.')
}
