/** Why a wheel did not come: in words a person can act on, without user names and passwords. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemCode, ThampiError } from '../../errors.ts'
import type { System } from '../../system/system.ts'
import type { LockedWheel } from '../lock/lock.ts'

/** An answer that is none of ours to fix by asking again. */
export class Refused extends Error {
  readonly status: number
  readonly host: string

  constructor(status: number, host: string) {
    super(`${host} answered ${status}`)
    this.status = status
    this.host = host
  }
}

const certificateCodes =
  /^(UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA)/

/** Other bytes came than were locked: more of them, or with another hash. */
export class OtherBytes extends Error {}

/** @param error what the last attempt ended with */
export function fetchFailed(wheel: LockedWheel, error: unknown, { places }: System): ThampiError {
  const { name, version, url } = wheel
  const lookUpAnew = `rm -r "${join(places.home, 'locks')}"   # then run the command again: the packages are looked up anew`
  if (error instanceof ThampiError) return error
  if (error instanceof OtherBytes) return otherBytes(wheel, error, lookUpAnew)
  if (url.startsWith('file:')) return fileError(wheel, error)
  const host = error instanceof Refused ? error.host : new URL(url).host
  const message = `${name} ${version} could not be fetched from ${host}.`
  const failed = (why: string, fix: string): ThampiError =>
    new ThampiError('NETWORK', { message, why, fix, cause: error })
  if (error instanceof Refused) {
    const { status } = error
    if (status === 401 || status === 403 || status === 407) {
      return failed(
        `It answered ${status}: it wants a user name and a password, or others than it got.`,
        `put them into the address of the index (PIP_INDEX_URL, UV_INDEX_URL), or into ~/.netrc: machine ${host.replace(/:\d+$/, '')} login USER password PASSWORD`,
      )
    }
    if (status === 404 || status === 410) {
      return failed(`It answered ${status}: the file is no longer there.`, lookUpAnew)
    }
    return failed(`It answered ${status}.`, 'run the command again later')
  }
  const code = systemCode(error) ?? ''
  const why = error instanceof Error ? error.message : String(error)
  if (certificateCodes.test(code)) {
    return failed(
      `Its certificate is not trusted here (${code}).`,
      'set SSL_CERT_FILE to the file with your company’s certificates',
    )
  }
  return failed(
    code === '' || why.includes(code) ? `${why}.` : `${why} (${code}).`,
    'check the network (and HTTPS_PROXY, when you are behind a proxy), then run the command again: what has arrived is kept',
  )
}

function fileError({ name, version, url }: LockedWheel, cause: unknown): ThampiError {
  const path = fileURLToPath(url)
  return new ThampiError('NETWORK', {
    message: `${name} ${version} cannot be read from ${path}.`,
    why: cause instanceof Error ? cause.message : undefined,
    fix: 'put the file back, or change the dependency file',
    cause,
  })
}

function otherBytes({ name, version, file, url }: LockedWheel, cause: OtherBytes, fix: string): ThampiError {
  const source = url.startsWith('file:') ? fileURLToPath(url) : new URL(url).host
  return new ThampiError('INTEGRITY', {
    message: `${source} gives another ${file} than the one that ${name} ${version} was locked to.`,
    why: cause.message,
    fix: `find out who changed it; when that was right: ${fix}`,
    cause,
  })
}
