/** The verb `create`: a directory with everything that a first model needs. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { systemCode, ThampiError } from './errors.ts'
import { explainFileError, forPeople } from './system/files.ts'
import { installation } from './system/package.ts'
import type { System } from './system/system.ts'
import { version } from './system/version.ts'

/** What a project can start from. */
export const templateNames = ['ts', 'python', 'onnx'] as const

export type TemplateName = (typeof templateNames)[number]

interface Template {
  readonly about: string
  /** What to type in it, one after the other. */
  readonly next: readonly [first: string, second: string, third: string]
}

export const templates: Readonly<Record<TemplateName, Template>> = {
  ts: { about: 'a model in TypeScript', next: ['npm install', 'npm run train', 'npx thampi serve'] },
  python: {
    about: 'a scikit-learn model in Python',
    next: ['pip install thampi -r requirements.txt', 'python train.py', 'thampi serve'],
  },
  onnx: {
    about: 'an ONNX file, exported from scikit-learn, that runs without Python',
    next: [
      'pip install -r requirements.txt && python train.py',
      'npm install',
      'npx thampi serve --model_dir=./digits.onnx',
    ],
  },
}

export interface Created {
  /** Absolute. */
  readonly dir: string
  readonly template: TemplateName
  readonly files: readonly string[]
  /** Three commands, from the directory that was the current one. */
  readonly next: readonly string[]
}

/**
 * Writes the files of a template into `dir`, which must be new or empty.
 *
 * @throws ThampiError PROJECT_INVALID when there is something in it, PERMISSION, DISK_FULL
 * @example
 * const { next } = await create('./iris', 'ts', system)
 */
export async function create(dir: string, template: TemplateName, system: System): Promise<Created> {
  const target = resolve(system.cwd, dir)
  const shown = forPeople(target, system.cwd)
  await checkEmpty(target, shown)
  const source = join(installation().templatesDir, template)
  // pip compiles what it installs: beside a template's script there may be a directory that is not ours.
  const entries = await readdir(source, { withFileTypes: true })
  const files = entries.flatMap(entry => (entry.isFile() ? [entry.name] : [])).sort()
  try {
    await mkdir(target, { recursive: true })
    for (const file of files)
      await writeFile(join(target, nameOf(file)), await contentOf(join(source, file)), { flag: 'wx' })
  } catch (cause) {
    throw explainFileError(cause, target)
  }
  const [first, ...others] = templates[template].next
  const next = [shown === '.' ? first : `cd ${shown} && ${first}`, ...others]
  return { dir: target, template, files: files.map(nameOf), next }
}

async function checkEmpty(target: string, shown: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(target)
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return
    if (systemCode(cause) !== 'ENOTDIR') throw explainFileError(cause, dirname(target))
    throw notEmpty(shown, 'It is a file.')
  }
  const [first] = names.filter(name => name !== '.git' && name !== '.DS_Store')
  if (first !== undefined) throw notEmpty(shown, `It holds ${first}${names.length > 1 ? ' and more' : ''}.`)
}

function notEmpty(shown: string, why: string): ThampiError {
  return new ThampiError('PROJECT_INVALID', {
    message: `"${shown}" is not an empty directory; nothing was written.`,
    why,
    fix: 'thampi create DIR   # with the name of a new one',
  })
}

/** npm leaves files of the real name out of a package. */
function nameOf(file: string): string {
  return file === 'gitignore' ? '.gitignore' : file
}

/** A project asks for the Thampi that made it. */
async function contentOf(path: string): Promise<string> {
  const text = await readFile(path, 'utf8')
  return path.endsWith('package.json') ? text.replace(/("thampi": ")[^"]*/, `$1^${version}`) : text
}
