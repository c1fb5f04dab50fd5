/** Python's `pprint`, for values that came as JSON: width 80, sorted keys, numbers as they were written. */
import { isLosslessNumber, parse } from 'lossless-json'
import { comparePythonText, pythonLength, pythonText } from './python-text.ts'

const pageWidth = 80

/**
 * What `pprint.pformat(json.loads(text))` gives in Python, except that numbers keep their own spelling.
 *
 * @param json - exact JSON text, such as the body of an answer
 * @throws SyntaxError when it is not JSON
 * @example
 * pprintJson('{"b": true, "a": 1.0}')   // {'a': 1.0, 'b': True}
 */
export function pprintJson(json: string): string {
  // Like Python, the last of several equal keys counts.
  return laidOut(shown(parse(json, undefined, { onDuplicateKey: ({ newValue }) => newValue })), 0, 0, 0)
}

/** A value with its text on one line, which is what decides whether it must be broken. */
interface Shown {
  readonly text: string
  readonly length: number
  readonly parts:
    | { readonly kind: 'atom' }
    | { readonly kind: 'string'; readonly value: string }
    | { readonly kind: 'list'; readonly items: readonly Shown[] }
    | { readonly kind: 'dict'; readonly entries: readonly (readonly [string, Shown])[] }
}

function shown(value: unknown): Shown {
  if (typeof value === 'string') return withLength(pythonText(value), { kind: 'string', value })
  if (Array.isArray(value)) {
    const items = value.map(shown)
    return withLength(`[${items.map(item => item.text).join(', ')}]`, { kind: 'list', items })
  }
  if (isLosslessNumber(value)) return withLength(value.value, { kind: 'atom' })
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .sort(([a], [b]) => comparePythonText(a, b))
      .map(([key, item]) => [pythonText(key), shown(item)] as const)
    return withLength(`{${entries.map(([key, item]) => `${key}: ${item.text}`).join(', ')}}`, {
      kind: 'dict',
      entries,
    })
  }
  return withLength(value === null ? 'None' : value ? 'True' : 'False', { kind: 'atom' })
}

function withLength(text: string, parts: Shown['parts']): Shown {
  return { text, length: pythonLength(text), parts }
}

/**
 * One value, starting in column `indent`, with `allowance` characters to come after it on its last line.
 * `depth` 0 is the whole document: there a broken string stands in parentheses.
 */
function laidOut(value: Shown, indent: number, allowance: number, depth: number): string {
  if (value.length <= pageWidth - indent - allowance) return value.text
  const { parts } = value
  switch (parts.kind) {
    case 'atom':
      return value.text
    case 'string':
      return depth === 0
        ? brokenString(parts.value, indent + 1, allowance + 1, '(', ')')
        : brokenString(parts.value, indent, allowance, '', '')
    case 'list': {
      const lines = parts.items.map((item, i) =>
        laidOut(item, indent + 1, i === parts.items.length - 1 ? allowance + 1 : 1, depth + 1),
      )
      return `[${lines.join(nextLine(indent + 1))}]`
    }
    case 'dict': {
      const lines = parts.entries.map(([key, item], i) => {
        const column = indent + 1 + pythonLength(key) + 2
        return `${key}: ${laidOut(item, column, i === parts.entries.length - 1 ? allowance + 1 : 1, depth + 1)}`
      })
      return `{${lines.join(nextLine(indent + 1))}}`
    }
  }
}

function nextLine(indent: number): string {
  return `,\n${' '.repeat(indent)}`
}

// Python's idea of a line end and of white space; JavaScript's `\s` knows neither U+001C to U+001F nor U+0085.
const lines =
  /[^\n\v\f\r\x1c-\x1e\x85\u2028\u2029]*(?:\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029])|[^\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+/gu
const wordsWithSpace =
  /[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*/gu

/** A long string as several literals: one per line of the text, and long lines between words. */
function brokenString(text: string, indent: number, allowance: number, open: string, close: string): string {
  const width = pageWidth - indent
  const textLines = text.match(lines) ?? []
  const chunks = textLines.flatMap((line, i) => {
    const last = i === textLines.length - 1
    const whole = pythonText(line)
    if (pythonLength(whole) <= (last ? width - allowance : width)) return [whole]
    return brokenLine(line, width, last ? allowance : 0)
  })
  if (chunks.length <= 1) return chunks[0] ?? "''"
  return open + chunks.join(`\n${' '.repeat(indent)}`) + close
}

function brokenLine(line: string, width: number, allowance: number): string[] {
  const words = (line.match(wordsWithSpace) ?? []).filter(word => word !== '')
  const chunks: string[] = []
  let current = ''
  words.forEach((word, i) => {
    const room = i === words.length - 1 ? width - allowance : width
    if (current !== '' && pythonLength(pythonText(current + word)) > room) {
      chunks.push(current)
      current = word
    } else {
      current += word
    }
  })
  if (current !== '') chunks.push(current)
  return chunks.map(pythonText)
}
