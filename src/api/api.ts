/** What callers of a version may know: from it come the OpenAPI document, the typed clients and the playground. */
import type { Properties, Receipt } from '../model/saved-model.ts'
import type { Schema } from '../model/schema.ts'

export interface Api {
  readonly stage: string
  readonly model: string
  /** A mark where it is filled in later. */
  readonly version: number | string
  /** `http://127.0.0.1:8426`, without a slash at the end. */
  readonly server: string
  readonly properties: Properties
  readonly servedTimeUtc: string
  /** What the model takes and gives, where that is known. */
  readonly schema: Schema | undefined
  /** Predictions that are known to work; see `examplesAmong`. */
  readonly examples: readonly Receipt[]
  /** Whether callers need an API key. */
  readonly needsKey: boolean
  readonly timeoutSeconds: number
}

/** The header that carries an API key. */
export const keyHeader = 'X-API-Key'

/** The path of a version's predictions on its stage. */
export function predictPath({ stage, model }: Pick<Api, 'stage' | 'model'>): string {
  return `/${stage}/${model}/predict`
}

/** Of a request, and of an answer: what Lambda takes, kept everywhere, so that what works here works there. */
export const maxBodyBytes: number = 6 * 1024 * 1024

/** Examples are there to be read: a few, and none that fills a page. */
const maxExamples = 10
const maxExampleChars = 20_000

/** Those of the receipts that are worth showing. */
export function examplesAmong(receipts: readonly Receipt[]): readonly Receipt[] {
  const readable = receipts.filter(({ data, result = '' }) => data.length + result.length <= maxExampleChars)
  return readable.slice(0, maxExamples)
}
