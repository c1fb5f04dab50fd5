/** `thampi init`: four questions, one settings file. */
import { randomInt } from 'node:crypto'
import { ThampiError } from './errors.ts'
import { createSettings, refuseExistingSettings } from './settings/create.ts'
import { checkModelName, modelNameProblem, quoted } from './settings/names.ts'
import { type AwsProfile, awsProfiles } from './settings/profiles.ts'
import type { InstallerName, PlatformName } from './settings/stage.ts'
import { type Dialogue, InputEnded, interrupted, openDialogue, type Terminal } from './system/dialogue.ts'
import type { System } from './system/system.ts'

/** Answers given beforehand; their questions are not asked. */
export interface InitAnswers {
  readonly name?: string | undefined
  /** One of the machine's AWS profiles. */
  readonly profile?: string | undefined
  /** The AWS region; the profile's own unless said. */
  readonly region?: string | undefined
  readonly bucket?: string | undefined
  readonly packageManager?: string | undefined
  /** Where `staging` and `production` are served; `dev` is always local. */
  readonly platform?: string | undefined
  /** Take the default wherever there is one. */
  readonly yes?: boolean | undefined
}

export interface InitSurroundings {
  readonly system: System
  /** The Python in use, such as `3.12`; undefined when there is none. */
  readonly pythonMinor: () => Promise<string | undefined>
}

export interface Initialized {
  readonly path: string
  /** What the file holds. */
  readonly stages: Readonly<Record<'dev' | 'staging' | 'production', unknown>>
}

/**
 * Asks what is not answered yet and creates `zappa_settings.json` in the current directory after the last answer.
 * The words are those of the published tutorial; scripts and people rely on them.
 *
 * Throws `SETTINGS_EXISTS` before any question when there is a settings file, `USAGE` when the input ends early,
 * `INTERRUPTED` on Ctrl-C; then nothing has been written.
 *
 * @example
 * await init({ name: 'mymodel', yes: true }, terminal, { system, pythonMinor: async () => '3.12' })
 */
export async function init(
  given: InitAnswers,
  terminal: Terminal,
  { system, pythonMinor }: InitSurroundings,
): Promise<Initialized> {
  await refuseExistingSettings(system.cwd)
  const profiles = await awsProfiles(system.env)
  const platform = oneOf(platforms, given.platform, '--platform')
  const answers = await askTheRest(answersFrom(given, profiles), profiles, terminal)
  const stages = stagesFor(answers, await pythonMinor(), { region: given.region, platform })
  if (terminal.signal?.aborted) throw interrupted()
  const path = await createSettings(system.cwd, stages)
  terminal.write(
    'A file zappa_settings.json has been created. If you made a mistake, delete it and run `thampi init` again\n',
  )
  return { path, stages }
}

interface ChosenProfile {
  /** Null on a machine without AWS profiles. */
  readonly name: string | null
  readonly region: string | undefined
}

interface Answers {
  readonly name: string
  readonly profile: ChosenProfile
  readonly bucket: string
  readonly installer: InstallerName
}

/** What is known so far. */
type Draft = { -readonly [answer in keyof Answers]?: Answers[answer] | undefined }

const installers = ['conda', 'pip'] as const
const platforms = ['local', 'aws'] as const
const noProfile: ChosenProfile = { name: null, region: undefined }

/** The answers that are known without asking; wrong ones are refused before the first question. */
function answersFrom(given: InitAnswers, profiles: readonly AwsProfile[]): Draft {
  const { name, profile, bucket, packageManager, yes } = given
  return {
    name: name === undefined ? undefined : checkModelName(name, '`--name`'),
    profile:
      profile === undefined ? (yes ? defaultProfile(profiles) : undefined) : profileNamed(profile, profiles),
    bucket: bucket || (yes ? randomBucket() : undefined),
    installer: oneOf(installers, packageManager, '--package-manager') ?? (yes ? 'pip' : undefined),
  }
}

async function askTheRest(
  known: Draft,
  profiles: readonly AwsProfile[],
  terminal: Terminal,
): Promise<Answers> {
  const draft = { ...known }
  const dialogue = openDialogue(terminal)
  try {
    draft.name ??= await askName(dialogue)
    draft.profile ??= await askProfile(dialogue, profiles)
    draft.bucket ??= await askBucket(dialogue)
    draft.installer ??= await askInstaller(dialogue)
    return { name: draft.name, profile: draft.profile, bucket: draft.bucket, installer: draft.installer }
  } catch (error) {
    throw error instanceof InputEnded ? missing(draft, profiles) : error
  } finally {
    dialogue.close()
  }
}

async function askName({ ask, say, style }: Dialogue): Promise<string> {
  while (true) {
    say('Welcome to Thampi!')
    say(dashes(13))
    say(
      "Enter Model Name. If your model name is 'mymodel', the predict endpoint will be myendpoint.com/mymodel/predict",
    )
    const name = await ask('What do you want to call your model: ')
    const problem = modelNameProblem(name)
    if (problem === undefined) {
      say(dashes(17))
      return name
    }
    say(style('red', problem))
  }
}

async function askProfile(dialogue: Dialogue, profiles: readonly AwsProfile[]): Promise<ChosenProfile> {
  const { say } = dialogue
  say(
    "\nAWS Lambda and API Gateway are only available in certain regions. Let's check to make sure you have a profile set up in one that will work.",
  )
  const profile = await chooseProfile(dialogue, profiles)
  say(dashes(12))
  return profile
}

async function chooseProfile(
  { ask, say, style }: Dialogue,
  profiles: readonly AwsProfile[],
): Promise<ChosenProfile> {
  const usual = defaultProfile(profiles)
  if (usual.name === null) {
    const guide = style(
      ['blue', 'underline'],
      'https://boto3.readthedocs.io/en/latest/guide/quickstart.html#configuration',
    )
    say(
      `We couldn't find an AWS profile to use. Before using Zappa, you'll need to set one up. See here for more info: ${guide}`,
    )
    say('Until then your stages are served on this machine, which needs no account.')
    return usual
  }
  if (profiles.length === 1) {
    say(`Okay, using profile ${style('bold', usual.name)}!`)
    return usual
  }
  const names = profiles.map(profile => profile.name)
  while (true) {
    const answer = await ask(
      `We found the following profiles: ${names.slice(0, -1).join(', ')}, and ${names.at(-1)}. ` +
        `Which would you like us to use? (default '${usual.name}'): `,
    )
    const chosen = answer === '' ? usual : profiles.find(profile => profile.name === answer)
    if (chosen) return chosen
    say('Please enter a valid name for your AWS profile.')
  }
}

async function askBucket({ ask, say, style }: Dialogue): Promise<string> {
  say(`\nYour Zappa deployments will need to be uploaded to a ${style('bold', 'private S3 bucket')}.`)
  say("If you don't have a bucket yet, we'll create one for you too.")
  const usual = randomBucket()
  const answer = await ask(`What do you want to call your bucket? (default '${usual}'): `)
  say(dashes(17))
  return answer || usual
}

async function askInstaller({ ask, say }: Dialogue): Promise<InstallerName> {
  while (true) {
    const answer = (await ask("Enter package manager:['conda', 'pip'](default: pip):")) || 'pip'
    const installer = installers.find(name => name === answer)
    if (installer) return installer
    say("Only ['conda', 'pip'] are supported")
  }
}

/** The content of the file; the order of the keys is the original's. */
function stagesFor(
  { name, profile, bucket, installer }: Answers,
  pythonMinor: string | undefined,
  { region, platform }: { region: string | undefined; platform: PlatformName | undefined },
): Initialized['stages'] {
  const base = {
    app_function: 'thampi-app.app',
    ...(pythonMinor === undefined ? {} : { runtime: `python${pythonMinor}` }),
    project_name: name,
    profile_name: profile.name,
    aws_region: region || (profile.region ?? null),
    s3_bucket: bucket,
  }
  const remote = {
    ...base,
    thampi: { package_manager: installer, platform: platform ?? (profile.name === null ? 'local' : 'aws') },
    keep_warm: true,
    memory_size: 3008,
    slim_handler: true,
    timeout_seconds: 300,
  }
  return {
    dev: { ...base, thampi: { package_manager: installer, platform: 'local' } },
    staging: remote,
    production: remote,
  }
}

function defaultProfile(profiles: readonly AwsProfile[]): ChosenProfile {
  return profiles.find(({ name }) => name === 'default') ?? profiles[0] ?? noProfile
}

function profileNamed(name: string, profiles: readonly AwsProfile[]): ChosenProfile {
  const found = profiles.find(profile => profile.name === name)
  if (found) return found
  const names = profiles.map(profile => profile.name).join(', ')
  throw new ThampiError('USAGE', {
    message: `There is no AWS profile ${quoted(name)} on this machine.`,
    why: names === '' ? 'No profile was found at all.' : `Profiles: ${names}.`,
    fix: `aws configure --profile ${name}`,
  })
}

/** Bucket names are shared by the whole world, so a default has to be made up. */
function randomBucket(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
  return `thampi-${Array.from({ length: 9 }, () => letters[randomInt(letters.length)]).join('')}`
}

function oneOf<T extends string>(
  choices: readonly T[],
  value: string | undefined,
  option: string,
): T | undefined {
  const found = choices.find(choice => choice === value)
  if (found !== undefined || value === undefined) return found
  throw new ThampiError('USAGE', {
    message: `\`${option}\` is ${quoted(value)}.`,
    why: `It must be ${choices.join(' or ')}.`,
  })
}

/** Everything that is still to be answered at once, and one complete line that answers it. */
function missing({ name, profile, bucket, installer }: Draft, profiles: readonly AwsProfile[]): ThampiError {
  const usual = defaultProfile(profiles).name
  const answers: [flag: string, example: string][] = []
  if (name === undefined) answers.push(['--name', 'mymodel'])
  if (profile === undefined && usual !== null && profiles.length > 1) answers.push(['--profile', usual])
  if (bucket === undefined) answers.push(['--bucket', 'thampi-store'])
  if (installer === undefined) answers.push(['--package-manager', 'pip'])
  const flags = answers.map(([flag]) => flag)
  const list = [flags.slice(0, -1).join(', '), flags.at(-1)].filter(Boolean).join(' and ')
  const example = answers.map(answer => answer.join(' ')).join(' ')
  return new ThampiError('USAGE', {
    message: `thampi init needs ${list} when it cannot ask.`,
    why: 'The input ended before every question was answered; nothing was written.',
    fix: `thampi init ${name === undefined ? '' : `--name ${name} `}${example} --yes`,
  })
}

function dashes(count: number): string {
  return '-'.repeat(count)
}
