/** An address is asked by somebody who brings nothing: whether it is there yet, and as open or closed as it is meant to be. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../../platform.ts'
import type { Cloud } from '../client/client.ts'

/** One as it was just made sure of. */
export interface NewAddress extends Address {
  /** Made or opened now: it takes a while until the world knows it. */
  readonly isNew: boolean
  /** Asks for an API key, whatever else callers bring. */
  readonly isGuarded?: boolean
}

export interface Trial {
  readonly visit: Cloud['visit']
  readonly tell: (line: string) => void
  /** What was just made or changed answers otherwise for seconds. */
  readonly withinMs: number
}

/**
 * Says when it is not what the settings say. An address that was open before and shall be is not asked: that would
 * start a process of the model for nothing. What is asked is no prediction, so the model is not either.
 */
export async function tryAsStranger(
  { url, callers, isNew, isGuarded = false }: NewAddress,
  { visit, tell, withinMs }: Trial,
): Promise<void> {
  const isOpen = callers.bring === 'nothing' && !isGuarded
  if (isOpen && !isNew) return
  const end = performance.now() + withinMs
  for (;;) {
    const status = await visit(url)
    if (status === 'imagined') return
    if (isThere(status) && isClosed(status) !== isOpen) return
    if (performance.now() > end) return tell(`Warning: ${url} ${otherwise(status, isOpen)}`)
    await sleep(500)
  }
}

function otherwise(status: number | undefined, isOpen: boolean): string {
  if (!isThere(status)) return 'does not answer yet; names that are new take a while to be known'
  return isOpen
    ? `lets nobody in (HTTP ${status}), although the settings say that everybody may call`
    : `lets everybody in (HTTP ${status}), which the settings do not say; thampi undeploy closes it`
}

/** What is not known yet is not found, or fails. */
function isThere(status: number | undefined): status is number {
  return status !== undefined && status !== 404 && status < 500
}

function isClosed(status: number): boolean {
  return status === 401 || status === 403
}
