/** What callers may know of a version, from its record, the schema in its model layer and the evidence of its proof. */
import { type Api, examplesAmong } from '../../api/api.ts'
import { readSchema } from '../../model/schema.ts'
import { readEvidence } from './evidence.ts'
import type { Layout } from './layout.ts'
import type { VersionRecord } from './records.ts'

/** `server` is `http://127.0.0.1:8426`. */
export async function apiOf(at: Layout, record: VersionRecord, server: string): Promise<Api> {
  // Damaged evidence costs the examples, not the document.
  const evidence = await readEvidence(at, record, record.number).catch(() => undefined)
  const { stage, model, number: version, properties, servedTimeUtc, settings } = record
  return {
    ...{ stage, model, version, server, properties, servedTimeUtc },
    schema: await readSchema(at.layer(record.layers.model)),
    examples: examplesAmong(evidence?.receipts ?? []),
    needsKey: settings.apiKeyRequired,
    timeoutSeconds: settings.timeoutSeconds,
  }
}
