/** Proof before traffic: a version must give the answers that were recorded when its model was saved. */
import { ThampiError } from './errors.ts'
import { type Difference, differences } from './model/answers.ts'
import type { Receipt } from './model/saved-model.ts'
import type { Platform, Version } from './platforms/platform.ts'

/** Replays every receipt against a version; gives how many there were. Throws `EXAMPLE_DIFFERS` or `MODEL_RAISED`. */
export async function prove(
  version: Version,
  receipts: readonly Receipt[],
  platform: Platform,
): Promise<number> {
  for (const [index, receipt] of receipts.entries()) {
    const { status, body } = await platform.send(version, Buffer.from(`{"data":${receipt.data}}`))
    const name = `example ${index + 1} of ${receipts.length}`
    if (status >= 400) throw refused(name, status, body, version)
    const found = receipt.result === undefined ? [] : differences(receipt.result, body.toString('utf8'))
    if (found.length > 0) throw differs(name, found, version)
  }
  return receipts.length
}

function refused(name: string, status: number, body: Buffer, { stage }: Version): ThampiError {
  let problem: { detail?: string } | undefined
  try {
    problem = JSON.parse(body.toString('utf8')) as { detail?: string }
  } catch {
    // Not a problem document: its status is all that can be said.
  }
  return new ThampiError('MODEL_RAISED', {
    message: `The new version answered ${name} with HTTP ${status}. It gets no traffic.`,
    why: problem?.detail,
    fix: `thampi logs ${stage} --since=3m`,
    problem,
  })
}

const shown = 3

function differs(name: string, found: readonly Difference[], { stage }: Version): ThampiError {
  const lines = found.slice(0, shown).map(({ path, recorded, got }) => `${path} was ${recorded}, is ${got}`)
  if (found.length > shown) lines.push(`and ${found.length - shown} more`)
  return new ThampiError('EXAMPLE_DIFFERS', {
    message: `The new version answers ${name} differently from when the model was saved. It gets no traffic.`,
    why: `${lines.join('; ')}.`,
    fix: `pin the library versions the model was saved with, or save it again; then thampi serve ${stage}`,
  })
}
