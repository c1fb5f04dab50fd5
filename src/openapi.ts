/** The verb `openapi`: what callers may know of a stage, as the document that tools read. */
import { type Api, examplesAmong, predictPath } from './api/api.ts'
import { openApi } from './api/openapi.ts'
import type { Engine } from './engine.ts'
import { servedVersion } from './served-version.ts'

/**
 * The OpenAPI 3.1 document of what a stage serves: of the version with most of the traffic.
 *
 * @example
 * writeFileSync('openapi.json', await openapi('staging', engine))
 * @throws ThampiError `NOT_DEPLOYED`
 */
export async function openapi(stageName: string | undefined, engine: Engine): Promise<string> {
  return openApi(await apiOfStage(stageName, engine))
}

/** What the document and the clients are made of. */
export async function apiOfStage(stageName: string | undefined, engine: Engine): Promise<Api> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  const { deployment, version } = await servedVersion(stageName, engine)
  const { properties, schema, evidence } = await platform.contents(version)
  const of = { stage: stage.name, model: stage.model }
  return {
    ...of,
    version: version.number,
    server: deployment.url.slice(0, -predictPath(of).length),
    properties,
    servedTimeUtc: version.servedTimeUtc,
    schema,
    examples: examplesAmong(evidence?.receipts ?? []),
    needsKey: stage.apiKeyRequired,
    timeoutSeconds: stage.timeoutSeconds,
  }
}
