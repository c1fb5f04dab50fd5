/** What a deployment tells while it works: steps with their time, files with their size. */
import type { System } from '../../../system/system.ts'

/** Runs a step, then says it with its time, unless it was over before anybody noticed. */
export async function timed<T>(sentence: string, system: System, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const result = await work()
  system.tell(`${sentence} (${seconds(performance.now() - began)})`)
  return result
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
