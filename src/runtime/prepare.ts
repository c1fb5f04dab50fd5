/** From a saved model to one that answers: loaded, initialized, and told where it is. */
import type { Start } from '../wire/messages.ts'
import { Answerer } from './answer.ts'
import { describe } from './blame.ts'
import { CallContext, type Shared } from './context.ts'
import { LoadFailure } from './failure.ts'
import { load } from './load.ts'
import type { Logs } from './logs.ts'

export interface Prepared {
  readonly answerer: Answerer
  /** What every call is told. */
  readonly shared: Shared
}

/** Loads what `start` names; `held` are files of it that are in memory already. Throws `LoadFailure`. */
export async function prepare(
  start: Start,
  logs: Logs,
  held?: ReadonlyMap<string, Buffer>,
): Promise<Prepared> {
  const { model, properties, screen } = await load(start, held)
  const { stage, model: name, version } = start
  const answerer = new Answerer(model, {
    properties,
    source: { model: name, stage, version },
    log: logs.log,
    terse: start.errors === 'terse',
    maxResultBytes: start.maxResultBytes,
    screen,
  })
  // Versions begin with 1; what is tried while it is saved is none yet.
  const released = version > 0 ? { stage, version } : { stage: undefined, version: undefined }
  const shared: Shared = { log: logs.log, ...released, model: name, properties: { ...properties } }
  try {
    await model.initialize?.(new CallContext(shared, '', Number.POSITIVE_INFINITY))
  } catch (cause) {
    throw new LoadFailure('MODEL_RAISED', { message: describe(cause), cause })
  }
  return { answerer, shared }
}

declare const __THAMPI_VERSION__: string | undefined

/** Of Thampi: the one that bundled this. */
export function versionOfRuntime(): string {
  return typeof __THAMPI_VERSION__ === 'string' ? __THAMPI_VERSION__ : '0.0.0+source'
}
