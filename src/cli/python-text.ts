/** A string as Python's `repr` writes it. */

// What `str.isprintable` refuses: the categories Other and Separator, except the plain space.
const special = /[\\'"\p{C}\p{Z}]/gu
const named: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  ' ': ' ',
}

/**
 * The Python literal of `text`: single quotes unless only they occur in it.
 *
 * @example
 * pythonText("it's")   // "it's" in double quotes, as Python chooses them
 */
export function pythonText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const body = text.replace(special, character => {
    if (character === "'" || character === '"') return character === quote ? `\\${character}` : character
    return named[character] ?? escaped(character.codePointAt(0) ?? 0)
  })
  return quote + body + quote
}

/** Number of characters as Python counts them: code points, not UTF-16 units. */
export function pythonLength(text: string): number {
  return text.length - (text.match(/[\u{10000}-\u{10ffff}]/gu)?.length ?? 0)
}

/** Python's order of strings: by code point. JavaScript's own order differs above U+FFFF. */
export function comparePythonText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    // The units before `i` are equal, so both stand at the same half of a pair and whole code points can be compared.
    if (x !== y) return codePointAround(a, i) - codePointAround(b, i)
  }
  return a.length - b.length
}

function codePointAround(text: string, i: number): number {
  const previous = text.charCodeAt(i - 1)
  const insidePair = previous >= 0xd800 && previous < 0xdc00 && isLow(text.charCodeAt(i))
  return text.codePointAt(insidePair ? i - 1 : i) ?? 0
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}

function escaped(code: number): string {
  const hex = code.toString(16)
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
