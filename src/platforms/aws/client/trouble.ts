/** What AWS says when it does not do what it was asked, in words that name the missing permission or the next command. */
import { type ErrorCode, type ErrorParts, ThampiError } from '../../../errors.ts'
import { limitOf, ruledOut } from './refusals.ts'

/** A call that failed, with what a caller may decide by. */
export class AwsError extends ThampiError {
  /** AWS's own name of the error without its usual ending: `ResourceNotFound`. */
  readonly awsCode: string
  /** Whether the call may have taken effect although its answer never came. */
  readonly isLost: boolean

  constructor(
    code: ErrorCode,
    parts: ErrorParts,
    { awsCode, isLost }: { readonly awsCode: string; readonly isLost: boolean },
  ) {
    super(code, parts)
    this.awsCode = awsCode
    this.isLost = isLost
  }
}

/** Whether `error` is AWS saying one of these: `isAws(error, 'ResourceNotFound')`. */
export function isAws(error: unknown, ...awsCodes: readonly string[]): error is AwsError {
  return error instanceof AwsError && awsCodes.includes(error.awsCode)
}

/** Names under which the services say that a thing is not there. */
export function isMissing(error: unknown): boolean {
  return isAws(error, ...missing)
}

const missing = ['ResourceNotFound', 'NotFound', 'NoSuchEntity', 'NoSuchKey', 'NoSuchBucket', '404']

/** Gives undefined where a thing is not there. */
export async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Said by a service that did not do it because too much was asked at a time. */
const throttled = [
  'TooManyRequests',
  'Throttling',
  'Throttled',
  'Throttling',
  'RequestLimitExceeded',
  'RequestThrottled',
  'SlowDown',
]

const expired = ['ExpiredToken', 'ExpiredToken', 'RequestExpired', 'TokenRefreshRequired']
const unknownKey = [
  'InvalidClientTokenId',
  'UnrecognizedClient',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'AuthFailure',
  'MissingAuthenticationToken',
  'IncompleteSignature',
]
const skewed = ['RequestTimeTooSkewed', 'InvalidSignature', 'RequestInTheFuture']
const denied = ['AccessDenied', 'AccessDenied', 'Forbidden', 'AuthorizationError', '403']

export interface Failure {
  /** AWS's own name of the error, or that of the socket. */
  readonly awsCode: string
  readonly message: string
  readonly status: number | undefined
  readonly cause: unknown
}

/** What the SDK threw, read without trusting its shape. */
export function failureOf(cause: unknown): Failure {
  const error = cause as {
    name?: string
    code?: string
    message?: string
    $metadata?: { httpStatusCode?: number }
  }
  const status = error.$metadata?.httpStatusCode
  // The answer to HEAD has no body, so its error has no name of its own.
  const hasNoName = error.name === undefined || /^(Error|Unknown.*)$/.test(error.name)
  // Some services' errors are called with that ending, others' without.
  const awsCode = hasNoName
    ? (error.code ?? String(status ?? 'Error'))
    : String(error.name).replace(/Exception$/, '')
  return { awsCode, message: error.message ?? String(cause), status, cause }
}

/** Nothing was done, because too much was asked; the same call will be taken later. */
export function isThrottled({ awsCode, status }: Failure): boolean {
  return status === 429 || throttled.includes(awsCode) || awsCode === 'ConditionalRequestConflict'
}

/** The connection was never made, so nothing was done. */
export function isUnreached({ awsCode, cause }: Failure): boolean {
  const code = (cause as { code?: string }).code ?? awsCode
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH'].includes(code)
}

/** Nobody knows whether it was done: the answer did not come, or came from somewhere on the way. */
export function isUnknown(failure: Failure): boolean {
  if (isUnreached(failure)) return false
  const { status, awsCode, cause } = failure
  if (passedOn.test(awsCode)) return false
  if (status !== undefined && status >= 500) return true
  // An answer of ours to a request that never got its own: the SDK has no status for it.
  return status === undefined && !isOfCredentials(cause) && awsCode !== 'AbortError'
}

/** What Lambda passes on from others that it had to ask for a function, with a status as if it had failed itself. */
const passedOn = /^(KMS|EC2(?!Throttled)|EFS|ENI|SubnetIPAddress|InvalidSubnetID|InvalidSecurityGroupID)/

/** Nothing was done, because something else is being done to the same thing; it will be over. */
export function isBusy({ awsCode, message }: Failure): boolean {
  return awsCode === 'ResourceConflict' && /cannot be performed at this time|is in progress/i.test(message)
}

/** The clock of this machine is off; the SDK has taken note and the next try is signed with the right time. */
export function isSkewed({ awsCode, message }: Failure): boolean {
  return (
    skewed.includes(awsCode) ||
    (awsCode === 'SignatureDoesNotMatch' && /signature (expired|not yet current)/i.test(message))
  )
}

function isOfCredentials(cause: unknown): boolean {
  const name = (cause as { name?: string }).name ?? ''
  return name.includes('Provider') || name.includes('Credential') || name.includes('Token')
}

export interface Asked {
  /** `lambda:CreateFunction` */
  readonly action: string
  readonly profile: string | undefined
  readonly region: string
}

/** The error a person reads. */
export function explained(failure: Failure, asked: Asked): AwsError {
  const { awsCode, message, cause } = failure
  const { action, region } = asked
  const error = (code: ErrorCode, parts: Omit<ErrorParts, 'cause'>): AwsError =>
    new AwsError(code, { ...parts, cause }, { awsCode, isLost: isUnknown(failure) })
  if (isOfCredentials(cause) || expired.includes(awsCode))
    return error('AWS_CREDENTIALS', signInAgain(failure, asked))
  if (isSkewed(failure)) {
    return error('AWS_CREDENTIALS', {
      message: `AWS refuses the signature of ${action} (${awsCode}).`,
      why: 'Usually the clock of this machine is wrong, or the secret key is.',
      fix: 'date -u   # compare with the right time, then: aws sts get-caller-identity',
    })
  }
  if (unknownKey.includes(awsCode)) {
    return error('AWS_CREDENTIALS', {
      message: `AWS does not know these credentials${ofProfile(asked)} (${awsCode}).`,
      why: message,
      fix: `aws sts get-caller-identity${profileFlag(asked)}`,
    })
  }
  if (denied.includes(awsCode)) {
    const rule = ruledOut(message)
    return error('AWS_DENIED', {
      message: `AWS does not let these credentials${ofProfile(asked)} do ${missingAction(message) ?? action}.`,
      why: oneLine(message),
      fix:
        rule === undefined
          ? 'thampi iam print   # the policy that deploying needs'
          : `ask whoever wrote the ${rule}; a policy of your own does not lift it`,
    })
  }
  if (isThrottled(failure)) {
    return error('AWS_UNAVAILABLE', {
      message: `AWS takes no more calls of ${action} at the moment (${awsCode}).`,
      why: 'It was tried again for more than a minute.',
      fix: 'run the same command again in a while',
    })
  }
  if (isUnreached(failure) || isUnknown(failure)) {
    return error('AWS_UNAVAILABLE', {
      message: `AWS ${isUnreached(failure) ? 'could not be reached for' : 'did not answer'} ${action} in ${region}: ${oneLine(message) || awsCode}.`,
      fix: 'run the same command again; it goes on where it stopped',
    })
  }
  const limit = limitOf(failure, action)
  if (limit !== undefined) return error('AWS_REFUSED', limit)
  if (isBusy(failure)) {
    return error('AWS_UNAVAILABLE', {
      message: `AWS could not do ${action} yet: ${oneLine(message)}`,
      fix: 'run the same command again; it goes on where it stopped',
    })
  }
  return error('AWS_REFUSED', { message: `AWS refused ${action}: ${oneLine(message) || awsCode}` })
}

function signInAgain({ message }: Failure, asked: Asked): Omit<ErrorParts, 'cause'> {
  if (/sso|login/i.test(message)) {
    return {
      message: `The sign-in${ofProfile(asked)} has ended.`,
      why: oneLine(message),
      fix: `aws sso login${profileFlag(asked)}`,
    }
  }
  return {
    message: `There are no AWS credentials that work${ofProfile(asked)}.`,
    why: oneLine(message),
    fix: `aws configure${profileFlag(asked)}   # or serve it here: --platform local`,
  }
}

/** IAM writes: `User: arn:… is not authorized to perform: lambda:CreateFunction on resource: …`. */
function missingAction(message: string): string | undefined {
  return /perform: ([a-z0-9-]+:[A-Za-z0-9]+)/.exec(message)?.[1]
}

function ofProfile({ profile }: Asked): string {
  return profile === undefined ? '' : ` of profile "${profile}"`
}

function profileFlag({ profile }: Asked): string {
  return profile === undefined ? '' : ` --profile ${profile}`
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 400)
}
