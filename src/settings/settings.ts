/** The settings of a project: its stages, whether a file names them or not. */
import { basename, resolve } from 'node:path'
import { ThampiError } from '../errors.ts'
import type { Environment } from '../system/places.ts'
import { readSettingsFile, type SettingsFile } from './file.ts'
import { inheritOne } from './inherit.ts'
import { named, nearest, slug, slugOf } from './names.ts'
import { resolveStage, stageWithoutFile } from './resolve.ts'
import type { Stage } from './stage.ts'
import { warningsOf } from './warnings.ts'

/** The only stage of a project without settings file. */
const soleStage = 'dev'

export interface Settings {
  /** The file, or undefined when the project has none. */
  readonly path: string | undefined
  /** In the order of the file. */
  readonly stageNames: readonly string[]
  /** Sentences for the person who runs a command, each to be said once. */
  readonly warnings: readonly string[]
  /**
   * A stage, ready to be served; without a name the only one there is.
   * Throws `ENV_REQUIRED` when there are several, `ENV_UNKNOWN` when there is none of that name, `SETTINGS_INVALID`
   * when one of its values cannot be.
   */
  stage(name?: string, overrides?: { readonly platform?: string | undefined }): Stage
  /** What the whole project is called and where it keeps things, as its first stage has it. */
  project(): Project
}

export interface Project {
  readonly name: string
  readonly bucket: string | undefined
}

export interface ReadOptions {
  /** The project directory. */
  readonly dir: string
  /** A settings file other than the usual one, relative to `dir`. */
  readonly file?: string | undefined
  readonly env: Environment
  /** What the model is called when there is no settings file. */
  readonly modelName?: string | undefined
}

/**
 * Reads the settings of the project in `dir`. Nothing in the file is ever executed, and the file is never written.
 *
 * @example
 * const settings = await readSettings({ dir: process.cwd(), env: process.env })
 * settings.stage('staging').memoryMb // 3008
 */
export async function readSettings({ dir, file: chosen, env, modelName }: ReadOptions): Promise<Settings> {
  const file = await readSettingsFile(dir, chosen)
  if (file) refuseTwins(file, directoryName(dir))
  const stageNames = file ? [...file.stages.keys()] : [soleStage]
  const model = file ? (directoryName(dir) ?? modelName) : modelName

  const stage: Settings['stage'] = (name, overrides) => {
    const known = chooseStage(name, stageNames, file)
    const around = { env, platform: overrides?.platform, modelName: model }
    return file ? resolveStage(file, known, around) : stageWithoutFile(known, around)
  }
  return {
    path: file?.path,
    stageNames,
    warnings: file ? warningsOf(file) : [],
    stage,
    project: () => {
      const { model: name, aws } = stage(stageNames[0])
      return { name, bucket: typeof aws.s3_bucket === 'string' ? aws.s3_bucket : undefined }
    },
  }
}

function chooseStage(
  name: string | undefined,
  known: readonly string[],
  file: SettingsFile | undefined,
): string {
  const [only] = known
  const stages = `Stages: ${known.join(', ')}.`
  if (name === undefined) {
    if (only !== undefined && known.length === 1) return only
    throw new ThampiError('ENV_REQUIRED', { message: 'Environment required. Refer to docs.', why: stages })
  }
  if (known.includes(name)) return name
  if (!file) {
    throw new ThampiError('SETTINGS_MISSING', {
      message: `No stage ${named(name)}: there is no settings file, so the only stage is ${named(soleStage)}.`,
      fix: 'thampi init',
    })
  }
  const meant = nearest(name, known)
  const hint = meant === undefined ? '' : ` Did you mean ${named(meant)}?`
  throw new ThampiError('ENV_UNKNOWN', {
    message: `No stage ${named(name)} in ${file.name}.${hint} ${stages}`,
  })
}

/** What Zappa calls a project that does not say its name. */
function directoryName(dir: string): string | undefined {
  return slug(basename(resolve(dir))).slice(0, 15) || undefined
}

/** Names that differ only in what AWS does not distinguish would silently replace each other there. */
function refuseTwins(file: SettingsFile, fallback: string | undefined): void {
  const stageBySlug = new Map<string, string>()
  for (const stage of file.stages.keys()) {
    const model = inheritOne(file, stage, 'project_name') ?? fallback
    // A name that is not even text is complained about when its stage is asked for.
    if (typeof model !== 'string') continue
    const slug = slugOf(model, stage)
    const twin = stageBySlug.get(slug)
    if (twin !== undefined) {
      throw new ThampiError('NAME_TAKEN', {
        message: `Stages ${named(twin)} and ${named(stage)} of ${file.name} would share one function.`,
        why: `Both are called ${named(slug)} where upper case, \`_\` and \`-\` do not count.`,
        fix: `rename one of them, or give it another "project_name"`,
      })
    }
    stageBySlug.set(slug, stage)
  }
}
