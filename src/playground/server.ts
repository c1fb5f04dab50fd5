/** What the page asks of the server that sent it: what is deployed, how it does, a prediction, a rollback. */

export interface DeployedVersion {
  readonly number: number
  /** Percent of the traffic. */
  readonly weight: number
  readonly servedTimeUtc: string
  readonly trainedTimeUtc: string
  readonly by?: string
  readonly commit?: string
  readonly wasRouted: boolean
  /** How it does; versions that do not run have none. Figures are about the last ten minutes. */
  readonly figures?: Figures
}

export interface Figures {
  readonly requests: number
  readonly errors: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  /** Requests in each ten seconds, oldest first. */
  readonly requestsBySlot: readonly number[]
  /** In milliseconds; null where there were no requests. */
  readonly p99MsBySlot: readonly (number | null)[]
}

export interface Status {
  readonly stage: string
  readonly model: string
  readonly state: string
  /** Inputs that are known to work, each as exact JSON text. */
  readonly examples: readonly string[]
  readonly versions: readonly DeployedVersion[]
}

export interface Deployed {
  readonly stage: string
  readonly model: string
  readonly url: string
  readonly versions: readonly { readonly number: number; readonly weight: number }[]
}

export interface JsonSchema {
  readonly [keyword: string]: unknown
}

/** The parts of an OpenAPI document that the page looks at. */
export interface Document {
  readonly security?: readonly unknown[]
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}

export interface Reply {
  readonly status: number
  readonly text: string
  readonly ms: number
  readonly version: string | undefined
  readonly requestId: string | undefined
}

/** What the reader of the page may show: the owner's token, a caller's API key. */
export interface Credentials {
  readonly token: string | undefined
  key: string
}

/** The model answers to callers with an API key only. */
export class KeyNeeded extends Error {}

export async function json<T>(path: string, credentials?: Credentials): Promise<T> {
  const response = await fetch(path, { cache: 'no-store', headers: headersOf(credentials) })
  if (response.status === 401) throw new KeyNeeded(await explanation(response))
  if (!response.ok) throw new Error(await explanation(response))
  return (await response.json()) as T
}

function headersOf({ token, key }: Credentials = { token: undefined, key: '' }): Record<string, string> {
  return {
    ...(token === undefined ? {} : { 'Thampi-Token': token }),
    ...(key === '' ? {} : { 'X-API-Key': key }),
  }
}

/** `data` is JSON text and is sent as it is. */
export async function predict(path: string, data: string, key: string): Promise<Reply> {
  const headers = { 'Content-Type': 'application/json', ...(key === '' ? {} : { 'X-API-Key': key }) }
  const started = performance.now()
  const response = await fetch(`${path}?pretty`, { method: 'POST', headers, body: `{"data": ${data}}` })
  const answer = await response.text()
  return {
    status: response.status,
    text: answer,
    ms: performance.now() - started,
    version: response.headers.get('Thampi-Version') ?? undefined,
    requestId: response.headers.get('X-Request-Id') ?? undefined,
  }
}

/** Gives all traffic to one version. */
export async function route(path: string, version: number, token: string): Promise<void> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Thampi-Token': token },
    body: JSON.stringify({ version }),
  })
  if (!response.ok) throw new Error(await explanation(response))
}

async function explanation(response: Response): Promise<string> {
  try {
    const { detail, hint } = (await response.json()) as { detail?: string; hint?: string }
    return [detail ?? `The server answered ${response.status}.`, hint].filter(Boolean).join(' ')
  } catch {
    return `The server answered ${response.status}.`
  }
}
