/** Wheels of what only comes as source: made here, when the result is pure Python and so the same on every machine. */
import { copyFile, mkdir, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ThampiError } from '../../errors.ts'
import { digestOfFile, explainFileError } from '../../system/files.ts'
import type { System } from '../../system/system.ts'
import { walkProject } from '../tree.ts'
import { fetchWheels } from '../wheels/fetch.ts'
import { parseWheelName } from '../wheels/name.ts'
import { type Asking, askUv, buildEnvironment, inWork } from './ask.ts'
import { sdistsOf } from './pylock.ts'
import type { LocalPackage } from './wanted.ts'

/** A wheel of this disk, at a place that stays. */
export interface BuiltWheel {
  readonly path: string
  readonly name: string
  readonly version: string
}

/**
 * The wheel of a directory, an archive or a wheel of the project. The project itself is only read: a build works on a copy.
 *
 * @throws ThampiError INSTALL_FAILED when it does not build, WHEEL_PLATFORM when what was built runs on this machine only
 */
export async function wheelOfLocal(local: LocalPackage, asking: Asking): Promise<BuiltWheel> {
  return inWork(asking.system, async work => {
    const kind = await stat(local.path)
    if (!kind.isDirectory()) {
      if (local.path.endsWith('.whl')) return keep(local.path, local.shown, asking.system)
      return build(local.path, local.shown, work, asking)
    }
    const copy = join(work, basename(local.path))
    const { files } = await walkProject(local.path, { exclude: [], includeSecrets: [], own: [] })
    for (const { path, source } of files) {
      await mkdir(dirname(join(copy, path)), { recursive: true })
      await copyFile(source, join(copy, path))
    }
    return build(copy, local.shown, work, asking)
  })
}

/** The wheel of a package of which the index has source only; undefined when it has not even that. */
export async function wheelOfSource(line: string, asking: Asking): Promise<BuiltWheel | undefined> {
  const { question, system } = asking
  const name = /^[\w.-]+/.exec(line)?.[0] ?? ''
  const { lock } = await askUv(asking, {
    lines: [line],
    python: question.target.python ?? '',
    args: ['--no-deps', '--no-binary', name],
  })
  const [sdist] = lock === undefined ? [] : sdistsOf(lock)
  if (sdist === undefined) return undefined
  const shown = `${sdist.name} ${sdist.version}`
  system.tell(`building ${shown}, which has no wheel`)
  const [source] = await fetchWheels([sdist], system)
  return source && inWork(system, work => build(source.path, shown, work, asking))
}

async function build(
  source: string,
  shown: string,
  work: string,
  { uv, python, question, system }: Asking,
): Promise<BuiltWheel> {
  const out = join(work, 'built')
  const [file, ...first] = uv.command
  const result = await system.run(
    file,
    [
      ...[...first, 'build', '--wheel', source, '--out-dir', out, '--no-progress'],
      ...['--python', python.path, '--no-python-downloads'],
    ],
    { env: buildEnvironment(question.indexes.env), cwd: work },
  )
  const wheel = (await readdir(out).catch(() => [])).find(name => name.endsWith('.whl'))
  if (result.exitCode !== 0 || wheel === undefined) {
    throw new ThampiError('INSTALL_FAILED', {
      message: `${shown} comes as source only, and did not build here.`,
      why: reasonIn(result.stderr),
      fix: 'use a version that has wheels, or put a wheel of it on an index of yours',
    })
  }
  const name = parseWheelName(wheel)
  if (!name?.tags.some(tag => /^py3\d*-none-any$/.test(tag))) {
    throw new ThampiError('WHEEL_PLATFORM', {
      message: `${shown} comes as source only, and holds compiled code: what is built here runs here only.`,
      why: `Building it gave ${wheel}.`,
      fix: 'use a version that has wheels for Linux, or put such a wheel on an index of yours',
    })
  }
  return keep(join(out, wheel), shown, system)
}

/** What the build itself said last; uv frames it in words of its own. */
function reasonIn(stderr: string): string | undefined {
  const own = stderr.split('\n').filter(line => !/^\s*(error|cause|hint|warning):/.test(line))
  return own
    .findLast(line => /error|exception|not found/i.test(line))
    ?.trim()
    .slice(0, 300)
}

/** Named by what is in it: the address of a wheel in a lock leads to the same bytes as long as it leads anywhere. */
async function keep(wheel: string, shown: string, system: System): Promise<BuiltWheel> {
  const name = parseWheelName(basename(wheel))
  if (name === undefined) {
    throw new ThampiError('REQUIREMENTS_INVALID', {
      message: `"${shown}" has not the name of a wheel.`,
      fix: 'give the file the name it was built with, such as pkg-1.0-py3-none-any.whl',
    })
  }
  const digest = await digestOfFile(wheel)
  const dir = join(system.places.home, 'built', digest.slice('sha256:'.length, 'sha256:'.length + 16))
  const path = join(dir, basename(wheel))
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await copyFile(wheel, path).catch(cause => {
    throw explainFileError(cause, path)
  })
  return { path, name: name.name, version: name.version }
}

/** As a line for a resolver. */
export function lineOf({ name, path }: BuiltWheel, extras = ''): string {
  return `${name}${extras} @ ${pathToFileURL(path).href}`
}
