/** The model of a function: loaded once, from the function or from S3; loaded again when that failed, or when it broke. */
import { join } from 'node:path'
import { protocol, type Start } from '../../wire/messages.ts'
import { type Prepared, prepare } from '../prepare.ts'
import { RemoteEnvironment } from './environment.ts'
import { type Here, RemoteFiles } from './files.ts'
import type { JsonLogs } from './logs.ts'
import type { Manifest } from './manifest.ts'

export interface Ready extends Prepared {
  /** How long loading took. */
  readonly loadMs: number
}

export class FunctionModel {
  readonly #start: Start
  readonly #logs: JsonLogs
  readonly #remote: RemoteFiles | undefined
  readonly #environment: RemoteEnvironment | undefined
  #ready: Ready | undefined

  constructor(
    root: string,
    { start, model, remoteEnvironment, key }: Manifest,
    version: number,
    logs: JsonLogs,
  ) {
    this.#logs = logs
    this.#start = { ...start, protocol, version, modelDir: join(root, 'model'), codeDir: join(root, 'code') }
    this.#environment = remoteEnvironment && new RemoteEnvironment(remoteEnvironment)
    this.#remote = model.in === 's3' ? new RemoteFiles(model, this.#start, key) : undefined
  }

  /** The model, loaded; what has to come from S3 has to come within `withinMs`. Throws `LoadFailure`. */
  async ready(withinMs: number): Promise<Ready> {
    this.#ready ??= await this.#load(withinMs)
    return this.#ready
  }

  /** The next event loads it anew. */
  forget(): void {
    this.#ready = undefined
  }

  async #load(withinMs: number): Promise<Ready> {
    const began = performance.now()
    await this.#environment?.take(withinMs)
    const left = withinMs - (performance.now() - began)
    const here: Here | undefined = await this.#remote?.here(left)
    try {
      const prepared = await prepare({ ...this.#start, ...placeOf(here) }, this.#logs, here?.held)
      return { ...prepared, loadMs: Math.round(performance.now() - began) }
    } finally {
      this.#remote?.release()
    }
  }
}

function placeOf(here: Here | undefined): { modelDir?: string } {
  return here ? { modelDir: here.modelDir } : {}
}
