/** The verb `clean`: deletes what Thampi made on this machine, never what the user gave it. */
import { existsSync } from 'node:fs'
import { readdir, realpath, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { removeReadOnly } from './bundle/unpacked.ts'
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { layout } from './platforms/local/layout.ts'
import { stagesOnDisk } from './platforms/local/records.ts'
import { stopHost } from './platforms/local/start-host.ts'

export type CleanScope = 'project' | 'all'

export interface CleanPlan {
  /** The question in the original's words. */
  readonly prompt: string
  /** What would be deleted, absolute. */
  readonly paths: readonly string[]
  /** Told to stop before its files go. */
  readonly stopHost: boolean
  readonly engine: Engine
}

/** What Thampi makes below `THAMPI_HOME`. Only these names are ever deleted: the variable may point anywhere. */
const madeInHome = [
  ...[
    'added',
    'built',
    'environments',
    'lambda',
    'locks',
    'served',
    'spliced',
    'tools',
    'trials',
    'tried',
    'typescript',
    'wheels',
  ],
]
const madeInState = ['projects', 'store', 'tmp', 'zygotes', 'host.json', 'host.log', 'host.sock']

/** Of those, the ones in which packages are unpacked. */
const haveReadOnly = ['trials', 'store', 'tmp']

/** Says what `clean` would delete. Throws `STILL_DEPLOYED` while a stage is served, unless forced. */
export async function planClean(
  scope: CleanScope,
  { force }: { readonly force: boolean },
  engine: Engine,
): Promise<CleanPlan> {
  return scope === 'project' ? planProject(force, engine) : planAll(force, engine)
}

/** Deletes what was planned. Running it again does no harm. */
export async function clean({ paths, stopHost: stop, engine }: CleanPlan): Promise<void> {
  const at = layout(engine.system.places.state)
  if (stop) await stopHost(at)
  for (const path of paths) {
    // Unpacked packages cannot be written to, and so not be emptied either.
    if (haveReadOnly.includes(basename(path))) await removeReadOnly(path)
    else await rm(path, { recursive: true, force: true })
  }
  for (const dir of new Set(paths.map(path => dirname(path)))) await removeIfEmpty(dir)
}

async function planProject(force: boolean, engine: Engine): Promise<CleanPlan> {
  const { name, bucket } = engine.settings.project()
  const at = layout(engine.system.places.state)
  const served = (await stagesOnDisk(at)).filter(key => key.model === name)
  if (served.length > 0 && !force) {
    throw stillDeployed(served.map(({ stage }) => stage).join(', '), `thampi undeploy ${served[0]?.stage}`)
  }
  const work = join(at.projects, name)
  const lines = ['This will delete the following project related files:', `Locally:${work}`]
  if (bucket !== undefined)
    lines.push(`S3://${bucket}/thampi/{${engine.settings.stageNames.join(',')}}/${name}`)
  // A forced clean takes files from under a running host: it has to let go of them first.
  return {
    prompt: question(lines),
    paths: await existing([work], at.root),
    stopHost: served.length > 0,
    engine,
  }
}

async function planAll(force: boolean, engine: Engine): Promise<CleanPlan> {
  const { home, state } = engine.system.places
  const at = layout(state)
  const served = await stagesOnDisk(at)
  if (served.length > 0 && !force) {
    const names = served.map(({ stage, model }) => `${stage}/${model}`).join(', ')
    throw stillDeployed(
      names,
      `thampi undeploy ${served[0]?.stage}   # in the project of ${served[0]?.model}`,
    )
  }
  const { bucket } = engine.settings.project()
  const inspect =
    bucket === undefined ? [] : [`Please inspect the bucket:${bucket} and delete it accordingly`, '']
  const lines = [...inspect, 'This will delete the following thampi related artifacts:', `Locally:${home}`]
  const paths = [
    ...(await existing(
      madeInHome.map(name => join(home, name)),
      home,
    )),
    ...(await existing(
      madeInState.map(name => join(state, name)),
      state,
    )),
  ]
  return { prompt: question(lines), paths, stopHost: true, engine }
}

function question(lines: readonly string[]): string {
  return `${lines.join('\n')}\nAre you sure?: (default 'n') [y/n]:`
}

/** Those that are there and, followed through every link, really lie below `root`. */
async function existing(paths: readonly string[], root: string): Promise<string[]> {
  const found: string[] = []
  for (const path of paths) {
    if (!existsSync(path)) continue
    const real = await realpath(dirname(path))
    const base = await realpath(root)
    if (real === base || real.startsWith(base + sep)) found.push(path)
  }
  return found
}

async function removeIfEmpty(dir: string): Promise<void> {
  if ((await readdir(dir).catch(() => ['kept'])).length === 0) await rmdir(dir)
}

function stillDeployed(what: string, fix: string): ThampiError {
  return new ThampiError('STILL_DEPLOYED', {
    message: `Still served, and would die with the files: ${what}.`,
    fix: `${fix}   (or insist with --force)`,
  })
}
