/** `thampi route` and `thampi rollback`: traffic moves, and what answers now is printed. */

import type { Deployment } from '../../platforms/platform.ts'
import { rollback, route } from '../../route.ts'
import { engineFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'
import { usage } from '../usage.ts'
import { deploymentDocument } from './info.ts'

export async function routeCommand(words: readonly string[], session: Session): Done {
  const named = words[0] !== undefined && !words[0].includes('=')
  const shares = named ? words.slice(1) : words
  if (shares.length === 0) throw usage('thampi route needs shares.', 'thampi route staging 12=90 13=10')
  const weights = new Map(shares.map(shareOf))
  say(await route(named ? words[0] : undefined, weights, await engineFor(session)), session)
  return 0
}

interface RollbackFlags {
  readonly numRollback?: number
  /** `-n`, as Zappa had it. */
  readonly n?: number
  readonly to?: number
}

export async function rollbackCommand(
  stage: string | undefined,
  flags: RollbackFlags,
  session: Session,
): Done {
  session.output.step('Rolling back..')
  say(
    await rollback(
      stage,
      { steps: flags.numRollback ?? flags.n ?? 1, to: flags.to },
      await engineFor(session),
    ),
    session,
  )
  return 0
}

/** `13=10`: version 13 gets ten percent. */
function shareOf(word: string): [number, number] {
  const [, version, percent] = /^([1-9]\d{0,8})=(\d{1,3})$/.exec(word) ?? []
  if (version === undefined) {
    throw usage(
      `"${word}" is not a share.`,
      'thampi route staging 12=90 13=10',
      'A share is VERSION=PERCENT.',
    )
  }
  return [Number(version), Number(percent)]
}

function say(deployment: Deployment, { output }: Session): void {
  if (output.manner.json) {
    output.document(deploymentDocument(deployment))
    return
  }
  const shares = [...deployment.weights].map(([version, percent]) => `version ${version}: ${percent} %`)
  output.hint(`${deployment.stage} answers with ${shares.join(', ')}`)
  output.result('Done!')
}
