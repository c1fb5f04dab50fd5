/** The function's zip: what Lambda calls, our runtime, the project, the model when it is small, and the manifest. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bundle, FileEntry, LayerKind } from '../bundle.ts'
import { writeZip } from '../zip/write.ts'
import type { Archive, ZipSource } from '../zip/zip.ts'
import { type Manifest, manifestFile, manifestText } from './manifest.ts'

/** The file that Lambda loads, by language. What it exports is the runtime's. */
const handlers = {
  python: { path: 'thampi_handler.py', text: 'from thampi.runtime.aws_lambda import handler\n' },
  node: { path: 'thampi_handler.mjs', text: "export { handler } from './lambda.mjs'\n" },
} as const

/** A file of a function, and where it comes from. */
export interface FunctionFile extends ZipSource {
  readonly from: 'handler' | 'manifest' | 'runtime' | 'project' | 'model'
  /** Unpacked. */
  readonly size: number
}

/** What starts a sandbox of the local platform has no part in a function. */
const elsewhere: ReadonlySet<string> = new Set(['__main__.py', 'runtime.mjs'])

/** Everything in the function except the manifest. `inS3`: files of the model that are not in it. */
export function functionFiles(bundle: Bundle, inS3: ReadonlySet<string> = new Set()): FunctionFile[] {
  const { path, text } = handlers[bundle.language]
  const runtime = filesOf(bundle, 'runtime').filter(file => !elsewhere.has(file.path))
  const model = filesOf(bundle, 'model').filter(file => !inS3.has(file.path))
  return [
    textFile('handler', path, text),
    ...runtime.map(file => packed('runtime', '', file)),
    ...filesOf(bundle, 'code').map(file => packed('project', 'code/', file)),
    ...model.map(file => packed('model', 'model/', file)),
  ]
}

/** Unpacked bytes of a list of files. */
export function bytesOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((total, { size }) => total + size, 0)
}

/** The files of one layer of a bundle. */
export function filesOf({ layers }: Bundle, kind: LayerKind): readonly FileEntry[] {
  return layers.find(layer => layer.kind === kind)?.files ?? []
}

/**
 * Writes the zip into `dir`, named by its content.
 *
 * @throws ThampiError PROJECT_INVALID when a file changed since it was hashed
 */
export async function writeFunction(
  dir: string,
  files: readonly FunctionFile[],
  manifest: Manifest,
  now: Date,
): Promise<Archive> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await removeOld(dir, now)
  const attempt = join(dir, `${randomBytes(6).toString('hex')}.zip`)
  const archive = await writeZip(attempt, [
    ...files,
    textFile('manifest', manifestFile, manifestText(manifest)),
  ])
  const file = join(dir, `${archive.digest.slice('sha256:'.length)}.zip`)
  await rename(attempt, file)
  return { ...archive, file }
}

function textFile(from: FunctionFile['from'], path: string, text: string): FunctionFile {
  const source = Buffer.from(text)
  return { from, path, executable: false, source, size: source.length }
}

function packed(
  from: FunctionFile['from'],
  prefix: string,
  { path, source, executable, digest, size }: FileEntry,
): FunctionFile {
  return { from, path: `${prefix}${path}`, executable, source, digest, size }
}

/** Every release has its own zip, because the time of serving is in it; nobody needs one the next day. */
const dayMs = 24 * 60 * 60 * 1000

async function removeOld(dir: string, now: Date): Promise<void> {
  for (const name of await readdir(dir)) {
    const path = join(dir, name)
    const changed = await stat(path).catch(() => undefined)
    if (changed && now.getTime() - changed.mtimeMs > dayMs) await rm(path, { force: true })
  }
}
