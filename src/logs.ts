/** The verb `logs`: what a stage's model printed, what the platform did with it, who asked. */
import type { Engine } from './engine.ts'
import type { LogLine, LogOptions } from './platforms/platform.ts'

/**
 * @example
 * for await (const line of logs('staging', { sinceMs: Date.now() - 180_000, follow: false }, engine)) console.log(line.message)
 */
export async function* logs(
  stageName: string | undefined,
  options: LogOptions,
  engine: Engine,
): AsyncIterable<LogLine> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  yield* platform.logs(stage, options)
}
