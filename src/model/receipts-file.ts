/** Rewriting `receipts.jsonl` of a saved model, so that whoever looks, and a crash at any moment, finds the old or the new. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf, readIfThere, writeWhole } from '../system/files.ts'
import type { Receipt } from './saved-model.ts'

const FACTS = 'saved.json'
const RECEIPTS = 'receipts.jsonl'

/** What `save` gives its files. */
const mode = 0o644

/**
 * Two files change, of which one holds the digest of the other. So the digest goes first, then the receipts change,
 * then the new digest comes: in between the model is whole, only its receipts are not covered by a digest.
 */
export async function rewriteReceipts(dir: string, receipts: readonly Receipt[]): Promise<void> {
  const path = join(dir, RECEIPTS)
  const lines = receipts.map(({ data, result }) => `{"data":${data},"result":${result}}\n`)
  const text = lines.join('')
  const facts = await readIfThere(join(dir, FACTS))
  await pin(dir, facts, undefined)
  if (text === '') await rm(path, { force: true })
  else await writeWhole(path, text, mode)
  if (text !== '') await pin(dir, facts, digestOf(text))
}

/** Models of 2018 have no saved.json, and no digests. */
async function pin(dir: string, facts: string | undefined, digest: string | undefined): Promise<void> {
  if (facts === undefined) return
  const document = JSON.parse(facts) as { files?: Record<string, string> }
  const { [RECEIPTS]: _, ...others } = document.files ?? {}
  const files = digest === undefined ? others : { ...others, [RECEIPTS]: digest }
  await writeWhole(join(dir, FACTS), `${JSON.stringify({ ...document, files }, null, 2)}\n`, mode)
}
