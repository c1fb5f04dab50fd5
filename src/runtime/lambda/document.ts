/** The answer to a direct call, for Lambda's client to write once more: the same document, whole numbers to the last digit. */

/** Of newer languages: JSON as it was written. */
interface RawJson {
  rawJSON?(text: string): unknown
}

/** From sixteen digits on a number may not be what it says. */
const manyDigits = /\d{16}/

export function documentOf(body: Buffer): unknown {
  const text = body.toString()
  const { rawJSON } = JSON as RawJson
  if (!rawJSON || !manyDigits.test(text)) return JSON.parse(text)
  const exact = (_key: string, value: unknown, { source }: { source: string }): unknown =>
    typeof value === 'number' && String(value) !== source ? rawJSON(source) : value
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown)
}
