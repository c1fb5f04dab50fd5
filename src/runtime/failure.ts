/** Why a model could not be loaded, for `failed`; the codes are those of the command line. */
import type { Failed } from '../wire/messages.ts'
import { describe, traceOf } from './blame.ts'

export type FailureCode =
  | 'MODEL_MISSING'
  | 'MODEL_INVALID'
  | 'INTEGRITY'
  | 'MODEL_LOAD_FAILED'
  | 'MODEL_RAISED'
  | 'MODULE_MISSING'
  | 'PERMISSION'
  | 'NETWORK'
  | 'SETTINGS_INVALID'
  | 'DISK_FULL'
  | 'INTERNAL'

export interface FailureParts {
  readonly message: string
  readonly why?: string | undefined
  readonly fix?: string | undefined
  readonly cause?: unknown
}

export class LoadFailure extends Error {
  override readonly name = 'LoadFailure'
  readonly code: string
  readonly why: string | undefined
  readonly fix: string | undefined

  constructor(code: FailureCode, { message, why, fix, cause }: FailureParts) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.why = why
    this.fix = fix
  }
}

/** What the host is told. */
export function failedOf(error: unknown): Failed {
  if (!(error instanceof LoadFailure))
    return { code: 'MODEL_LOAD_FAILED', message: `${describe(error)}.`, trace: traceOf(error) ?? null }
  const { code, message, why = null, fix = null, cause } = error
  return { code, message, why, fix, trace: traceOf(cause) ?? null }
}
