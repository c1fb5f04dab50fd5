/** The files of a model that are in S3: all of them here, in memory or in a directory of scratch disk. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Start } from '../../wire/messages.ts'
import { LoadFailure } from '../failure.ts'
import type { InS3 } from './manifest.ts'
import { Download } from './s3.ts'

export interface Here {
  /** Where the files are. */
  readonly modelDir: string
  /** Those that are in memory. */
  readonly held: ReadonlyMap<string, Buffer>
}

export class RemoteFiles {
  readonly #where: InS3
  readonly #start: Start
  readonly #scratch: string
  /** What has begun to come. */
  readonly #downloads = new Map<string, Download>()

  /** `key` names the deployment: scratch disk may have been used by nobody else, but by a process before this one. */
  constructor(where: InS3, start: Start, key: string) {
    this.#where = where
    this.#start = start
    this.#scratch = join(tmpdir(), `thampi-${key.replace(/^.*:/, '').slice(0, 16)}`)
  }

  /** Gets what is not here yet, within `withinMs`. What came is kept when that is not enough. Throws `LoadFailure`. */
  async here(withinMs: number): Promise<Here> {
    const { files, load } = this.#where
    for (const [file, { sha256 }] of Object.entries(files)) {
      if (this.#start.digests[file] === `sha256:${sha256}`) continue
      throw new LoadFailure('INTEGRITY', {
        message: `${file} of ${this.#start.model} has two digests in the manifest of the function.`,
        fix: 'serve the model again',
      })
    }
    const until = performance.now() + withinMs
    if (load === 'scratch') return { modelDir: await this.#inScratch(until), held: new Map() }
    const held = new Map<string, Buffer>()
    for (const file of Object.keys(files)) held.set(file, await this.#fetched(file, until))
    return { modelDir: this.#start.modelDir, held }
  }

  /** Lets go of what is in memory: it is loaded, or it is not what it should be. */
  release(): void {
    this.#downloads.clear()
  }

  /** What a process before this one left is taken only when its digest is right; what comes gets its name when it is whole. */
  async #inScratch(until: number): Promise<string> {
    const { files } = this.#where
    for (const [file, digest] of Object.entries(this.#start.digests)) {
      const path = join(this.#scratch, file)
      if ((await digestOfFile(path)) === digest) continue
      const part = `${path}.part`
      await mkdir(dirname(path), { recursive: true })
      if (Object.hasOwn(files, file)) await this.#fetched(file, until, part)
      else await copyFile(join(this.#start.modelDir, file), part)
      await rename(part, path)
      this.#downloads.delete(file)
    }
    return this.#scratch
  }

  #fetched(file: string, until: number, path?: string): Promise<Buffer> {
    const { bucket, files } = this.#where
    const download =
      this.#downloads.get(file) ?? new Download(bucket, file, files[file] as InS3['files'][string], path)
    this.#downloads.set(file, download)
    return download.fetch(until - performance.now())
  }
}

/** Undefined when there is no such file. */
async function digestOfFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(piece)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return `sha256:${hash.digest('hex')}`
}
