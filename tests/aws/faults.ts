/** Faults at chosen calls: refused, broken before they are executed, or executed while the answer is lost. */
import type { Action, Service } from './actions.ts'
import { AwsError } from './errors.ts'
import { denial, deployer, type Need } from './permissions.ts'

/**
 * `throttled`, `unavailable` and `failed` are answers; `reset` breaks the connection before the call is executed,
 * `lost` after it; `stalled` never answers; `truncated` keeps half of an upload and says it went well; `denied` and
 * `expired` are about the caller; `conflict` is S3's when two conditional writes meet. With `delayMs` all goes well, later.
 * A function runs before the call or after it and ends in a broken connection: a place to kill who asked. `meanwhile`
 * runs before a call that then goes well: whoever asked was slower than others.
 */
export type How =
  | 'throttled'
  | 'unavailable'
  | 'failed'
  | 'reset'
  | 'lost'
  | 'stalled'
  | 'truncated'
  | 'denied'
  | 'expired'
  | 'conflict'
  | AwsError
  | { readonly delayMs: number }
  | { readonly before: () => unknown }
  | { readonly after: () => unknown }
  | { readonly meanwhile: () => unknown }

/** What a call must be like, all of it. */
export interface Matching {
  /** Who asks; the deployer unless told otherwise. */
  readonly by?: Action['by']
  readonly service?: Service
  readonly action?: string
  readonly writing?: boolean
  readonly resource?: RegExp
}

/** The n-th call of the deployer from now, from 1; or the calls that fit. */
export type When = number | Matching | ((action: Action) => boolean)

export interface FaultOptions {
  /** How many of the calls that fit; 1 unless told otherwise. `Infinity` for a state of the world. */
  readonly times?: number
  /** How many that fit are let through before. */
  readonly after?: number
}

export interface Fault {
  readonly hits: number
  /** From now on nothing is hit. */
  end(): void
}

interface Planned {
  readonly fits: (action: Action) => boolean
  readonly how: How
  let: number
  left: number
  hits: number
}

export class Faults {
  #planned: Planned[] = []

  plan(when: When, how: How, { times = 1, after = 0 }: FaultOptions = {}): Fault {
    const isNumber = typeof when === 'number'
    const planned: Planned = {
      fits: typeof when === 'function' ? when : action => fits(action, isNumber ? {} : when),
      how,
      let: isNumber ? when - 1 : after,
      left: times,
      hits: 0,
    }
    this.#planned.push(planned)
    return {
      get hits() {
        return planned.hits
      },
      end: () => {
        planned.left = 0
      },
    }
  }

  /** What happens to this call; the first plan that fits is it, the others count it all the same. */
  take(action: Action): How | undefined {
    let how: How | undefined
    for (const planned of this.#planned) {
      if (planned.left <= 0 || !planned.fits(action)) continue
      if (planned.let > 0) planned.let -= 1
      else if (how === undefined) {
        planned.left -= 1
        planned.hits += 1
        how = planned.how
      }
    }
    return how
  }

  clear(): void {
    this.#planned = []
  }
}

function fits(action: Action, matching: Matching): boolean {
  const { by = 'deployer', service, action: name, writing, resource } = matching
  return (
    action.by === by &&
    (service === undefined || action.service === service) &&
    (name === undefined || action.action === name) &&
    (writing === undefined || action.writing === writing) &&
    (resource === undefined || resource.test(action.resource))
  )
}

/** The error that a fault is; undefined for what happens to the connection. */
export function errorOf(how: How, action: Action): AwsError | undefined {
  if (how instanceof AwsError) return how
  const { service } = action
  if (how === 'throttled') {
    if (service === 's3') return new AwsError(503, 'SlowDown', 'Please reduce your request rate.')
    if (service === 'iam' || service === 'sts') return new AwsError(400, 'Throttling', 'Rate exceeded')
    if (service === 'logs') return new AwsError(400, 'ThrottlingException', 'Rate exceeded')
    if (service === 'scheduler') return new AwsError(429, 'ThrottlingException', 'Rate exceeded')
    return new AwsError(429, 'TooManyRequestsException', 'Rate exceeded')
  }
  if (how === 'unavailable')
    return new AwsError(503, 'ServiceUnavailable', 'Service is unable to handle request.')
  if (how === 'failed') {
    const code = service === 'lambda' ? 'ServiceException' : 'InternalError'
    return new AwsError(500, code, 'We encountered an internal error. Please try again.')
  }
  if (how === 'denied') return denied(service, deployer, action)
  if (how === 'expired') {
    const code = service === 'lambda' || service === 'logs' ? 'ExpiredTokenException' : 'ExpiredToken'
    return new AwsError(403, code, 'The security token included in the request is expired')
  }
  if (how === 'conflict')
    return new AwsError(
      409,
      'ConditionalRequestConflict',
      'The conditional request cannot succeed due to a conflicting operation against this resource.',
    )
  return undefined
}

/** What a caller is told who may not do this. */
export function denied(service: Service, user: string, need: Need): AwsError {
  const isOld = service === 's3' || service === 'iam' || service === 'sts'
  return new AwsError(403, isOld ? 'AccessDenied' : 'AccessDeniedException', denial(user, need))
}
