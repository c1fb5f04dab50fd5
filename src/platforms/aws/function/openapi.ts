/** What callers may know of a version, for the function to answer with: its number and its address are filled in there. */
import { readFile } from 'node:fs/promises'
import { type Api, examplesAmong } from '../../../api/api.ts'
import { openApi } from '../../../api/openapi.ts'
import type { Bundle } from '../../../bundle/bundle.ts'
import { filesOf } from '../../../bundle/lambda/function-zip.ts'
import { parseReceipts } from '../../../model/facts.ts'
import type { Stage } from '../../../settings/stage.ts'

const marks = { version: '{{thampi:version}}', server: '{{thampi:server}}' } as const

/** The document as `contract/lambda.md` has it in the manifest. */
export async function openApiOf(
  bundle: Bundle,
  { name, model, apiKeyRequired, timeoutSeconds }: Stage,
  { servedTimeUtc, schema }: Pick<Api, 'servedTimeUtc' | 'schema'>,
): Promise<string> {
  return openApi({
    ...{ stage: name, model, ...marks },
    ...{ properties: bundle.properties, servedTimeUtc, schema, timeoutSeconds },
    examples: examplesAmong(await receiptsOf(bundle)),
    needsKey: apiKeyRequired,
  })
}

async function receiptsOf(bundle: Bundle): Promise<Api['examples']> {
  const file = filesOf(bundle, 'model').find(({ path }) => path === 'receipts.jsonl')
  return file === undefined ? [] : parseReceipts(await readFile(file.source, 'utf8'), file.source)
}
