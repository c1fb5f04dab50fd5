/** What every command of the command line has: a line of usage, examples, options that count everywhere. */
import { type Command, Option } from 'commander'
import { TwoSpellings } from './help.ts'
import type { Done, Session } from './session.ts'
import { usage } from './usage.ts'

/** Runs a command inside the session that the common options ask for. */
export type Run = (command: (session: Session) => Done) => Promise<void>

export function command(
  program: Command,
  line: string,
  description: string,
  examples: readonly string[],
): Command {
  const one = program.command(line)
  // Zappa's, accepted everywhere; `logs` means something else by the long one.
  if (!/^(logs|tail) /.test(line)) one.addOption(new Option('-v, --version').hideHelp())
  return one
    .description(description)
    .addHelpText(
      'after',
      `\nExample: ${examples.join('\n         ')}\nOptions of every command: thampi --help`,
    )
}

/** The options that say what is packed: the same for every command that packs. */
export function packing(one: Command): Command {
  return one
    .addOption(
      new TwoSpellings(
        '--model_dir <dir>',
        'directory that save() wrote, or model.ts (default: the newest in ./models)',
      ),
    )
    .addOption(
      new TwoSpellings(
        '--dependency_file <file>',
        'requirements.txt, pyproject.toml or conda file (default: on this machine the packages as installed now, for AWS those that save recorded)',
      ),
    )
    .addOption(
      new TwoSpellings(
        '--project_dir <dir>',
        'whose files travel with the model (default: current directory)',
      ),
    )
    .option('--python <python>', 'Python for the model: a path, a directory or a version such as 3.12')
    .addOption(
      new TwoSpellings(
        '--include-secret <path>',
        'pack this file although it looks secret; repeatable',
      ).argParser((path: string, before: string[] = []) => [...before, path]),
    )
    .addOption(excludeNewer())
}

/** For packages that come from an index: those of AWS. */
export function excludeNewer(): Option {
  return new TwoSpellings(
    '--exclude-newer <date>',
    'for AWS: no package that was published later, such as 2026-11-01',
  )
}

export function aboveZero(example: string): (text: string) => number {
  return text => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
    throw usage(`"${text}" is not a whole number above 0.`, example)
  }
}
