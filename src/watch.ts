/** The verb `serve --watch`: serves again whenever a file changes; what cannot be served leaves the last version in place. */
import { dirname, resolve } from 'node:path'
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { isModule } from './save.ts'
import { type Served, type ServeOptions, serve } from './serve.ts'
import { watchFiles } from './system/watching.ts'

export interface WatchOptions extends ServeOptions {
  readonly onServed: (served: Served) => void
  /** What kept the latest files from being served. */
  readonly onError: (error: unknown) => void
  readonly signal: AbortSignal
}

/**
 * Serves, and goes on until the signal is aborted.
 *
 * @throws ThampiError USAGE for another stage than `dev`; what goes wrong with the very first serve goes to `onError`
 */
export async function watchAndServe(
  stageName: string | undefined,
  options: WatchOptions,
  engine: Engine,
): Promise<void> {
  const { onServed, onError, signal, ...source } = options
  const { system, settings } = engine
  const stage = settings.stage(stageName ?? (settings.stageNames.includes('dev') ? 'dev' : undefined)).name
  if (stage !== 'dev') {
    throw new ThampiError('USAGE', {
      message: `--watch serves whatever a file holds at the moment, and "${stage}" is no place for that.`,
      fix: 'thampi serve dev --watch',
    })
  }
  let isServing = false
  let isStale = true
  const go = async (): Promise<void> => {
    isStale = true
    if (isServing) return
    isServing = true
    // What changes while a version is made is in the next one.
    while (isStale && !signal.aborted) {
      isStale = false
      await serve(stage, source, engine).then(onServed, onError)
    }
    isServing = false
  }
  // Before the first serve: what changes meanwhile counts.
  await watchFiles(placesOf(source, system.cwd), () => void go(), signal)
  await go()
  if (!signal.aborted)
    await new Promise<void>(done => signal.addEventListener('abort', () => done(), { once: true }))
}

/** The project, and the model where it lies elsewhere. */
function placesOf({ modelDir, projectDir }: ServeOptions, cwd: string): string[] {
  const project = resolve(cwd, projectDir ?? '.')
  const model = resolve(cwd, modelDir ?? '.')
  const dir = isModule(model) ? dirname(model) : model
  return dir === project || dir.startsWith(`${project}/`) ? [project] : [project, dir]
}
