/** Why a line of a dependency file does not go to another machine, where it stands, and the way out. */
import { ThampiError } from '../../errors.ts'
import type { AllowedSource } from '../../settings/stage.ts'
import { withoutUser } from './line-parts.ts'

export interface Spot {
  readonly shown: string
  readonly constraint: boolean
  /** `requirements.txt:3` */
  readonly at: string
}

export function repository(spot: Spot, url: string): ThampiError {
  return refused(spot, withoutUser(url), 'A repository has no wheels, and no hash that could be locked.', {
    fix: 'build a wheel of it (pip wheel --no-deps …), put it on an index of yours, and write NAME==VERSION',
  })
}

export function password(spot: Spot, url: string): ThampiError {
  return refused(
    spot,
    withoutUser(url),
    'It carries a user name or a password, which do not belong into a dependency file.',
    {
      fix: 'put them into ~/.netrc, or set PIP_INDEX_URL, and take them out of the line',
    },
  )
}

export function refused(
  { at }: Spot,
  line: string,
  why: string,
  { allow, fix }: { allow?: AllowedSource; fix?: string },
): ThampiError {
  const setting = allow && `"thampi": {"dependency_sources": ["${allow}"]} in the settings file allows it`
  return new ThampiError('REQUIREMENTS_INVALID', {
    message: `${at}: \`${line.slice(0, 160)}\` cannot be packed for another machine.`,
    why,
    fix: [fix, setting].filter(Boolean).join('; or '),
  })
}
