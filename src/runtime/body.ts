/**
 * What a request says: the JSON object in the bytes of a body, or the problem with them.
 *
 * JSON, and less than all of it: at most 100 levels and a million values, no number of more than 1,000 characters, no key
 * twice at the top. What parsers disagree about must not mean one thing here and another elsewhere, and what is small to
 * send must not be large to hold. What an ordinary body is too short for is not looked for in it.
 */
import { isUtf8 } from 'node:buffer'
import { pointerOf, readCarefully } from './careful.ts'
import { Problem } from './problem.ts'

/** Of the value under `data`. */
const maxDepth = 100
const maxValues = 1_000_000
/** Characters. */
const maxNumber = 1_000
const expected = 'Send a JSON object such as {"data": …}.'

/** The value under `data`, null when there is none. Throws `Problem`. */
export function readData(body: Buffer): unknown {
  const object = readObject(body)
  return Object.hasOwn(object, 'data') ? object.data : null
}

/** The JSON object in the bytes of a request. Throws `Problem`. */
export function readObject(body: Buffer): Record<string, unknown> {
  if (body.length > 2 * maxDepth && mayBeTooMuch(body)) checkSize(body)
  if (!isUtf8(body)) throw new Problem('invalid-utf8', { detail: 'The body is not UTF-8.', hint: expected })
  const text = body.toString('utf8')
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem('invalid-request', {
      detail: `The body is ${kindOf(value)}, not a JSON object.`,
      hint: expected,
    })
  }
  const object = value as Record<string, unknown>
  if (mayRepeatAKey(object, text)) refuseRepeatedKeys(text)
  return object
}

// ---- too much of something: from the bytes, before anything is made of them

const [quote, backslash, comma, openBracket, openBrace] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b]

/** A look from afar, which nearly every body passes; only the others are read byte by byte. */
function mayBeTooMuch(body: Buffer): boolean {
  // A value has at least one character, and a comma or a bracket beside it.
  return body.length >= 2 * maxValues || mayBeDeep(body) || mayHaveLongNumber(body)
}

function mayBeDeep(body: Buffer): boolean {
  let openings = 0
  for (const sign of [openBracket, openBrace]) {
    for (let at = body.indexOf(sign); at >= 0; at = body.indexOf(sign, at + 1))
      if (++openings > maxDepth) return true
  }
  return false
}

/** In a run of so many characters every tenth belongs to it. */
function mayHaveLongNumber(body: Buffer): boolean {
  if (body.length <= maxNumber) return false
  const step = 10
  let inARow = 0
  for (let at = 0; at < body.length; at += step) {
    inARow = isInNumber(body[at] as number) ? inARow + 1 : 0
    if (inARow >= maxNumber / step) return true
  }
  return false
}

function checkSize(body: Buffer): void {
  // One level is the object around `data`.
  let [depth, values, digits] = [-1, 1, 0]
  let isEmpty = false
  for (let at = 0; at < body.length; at++) {
    const sign = body[at] as number
    if (isInNumber(sign)) {
      if (++digits > maxNumber) throw tooLongANumber()
      isEmpty = false
      continue
    }
    digits = 0
    if (sign === quote) {
      at = endOfText(body, at)
      isEmpty = false
    } else if (sign === comma) values++
    else if (isOpening(sign)) {
      if (++depth > maxDepth) throw tooDeep()
      values++
      isEmpty = true
    } else if (isClosing(sign)) {
      depth--
      if (isEmpty) values--
      isEmpty = false
    } else if (sign > 0x20) isEmpty = false
    if (values > maxValues) throw tooManyValues()
  }
}

/** `-+.eE` and digits. */
function isInNumber(sign: number): boolean {
  return (
    (sign >= 0x30 && sign <= 0x39) ||
    sign === 0x2d ||
    sign === 0x2b ||
    sign === 0x2e ||
    (sign | 0x20) === 0x65
  )
}

function isOpening(sign: number): boolean {
  return sign === openBracket || sign === openBrace
}

function isClosing(sign: number): boolean {
  return sign === 0x5d || sign === 0x7d
}

/** Where the text that begins at `start` ends. */
function endOfText(body: Buffer, start: number): number {
  for (let end = body.indexOf(quote, start + 1); end >= 0; end = body.indexOf(quote, end + 1)) {
    let before = end
    while (body[before - 1] === backslash) before--
    if ((end - before) % 2 === 0) return end
  }
  return body.length
}

function tooDeep(): Problem {
  const detail = `The body is nested more than ${maxDepth} levels deep.`
  return new Problem('too-deep', { detail, hint: 'Send a flatter value.' })
}

function tooManyValues(): Problem {
  const detail = `The body has more than ${maxValues.toLocaleString('en')} values.`
  return new Problem('invalid-request', { detail, hint: 'Send it in several requests.' })
}

function tooLongANumber(): Problem {
  const detail = `The body has a number of more than ${maxNumber.toLocaleString('en')} characters.`
  return new Problem('malformed-json', { detail, hint: 'Send it as text.' })
}

// ---- a key that stands twice at the top: the parser has kept the last and says nothing

function mayRepeatAKey(object: Record<string, unknown>, text: string): boolean {
  const keys = Object.keys(object)
  if (keys.length === 1 && keys[0] === 'data')
    return isRepeated('data', text) || (text.includes('\\u00') && escapedData.test(text))
  // Written with escapes a key looks like another one.
  if (text.includes('\\') || keys.length > few) return true
  return keys.some(key => isRepeated(key, text))
}

function isRepeated(key: string, text: string): boolean {
  const name = `"${key}"`
  return text.indexOf(name) !== text.lastIndexOf(name)
}

/** A `d`, `a` or `t` written as an escape might spell the key `data` a second time. */
const escapedData = /\\u00(?:64|61|74)/
const few = 8

function refuseRepeatedKeys(text: string): void {
  const { repeated } = readCarefully(text)
  if (repeated === undefined) return
  throw new Problem('duplicate-key', {
    detail: `The body has the key \`${repeated}\` twice.`,
    hint: 'Send it once.',
    errors: [{ pointer: pointerOf([repeated]), code: 'duplicate-key', message: 'appears twice' }],
  })
}

// ---- the parser, and the careful one, which is slower and keeps every digit and knows what is wrong and where

/** An integer beyond 2^53, which would become another one; JSON.parse knows numbers only. */
const bigInteger = /[[:,\s-]\d{16,}(?![\d.eE])/

function parse(text: string): unknown {
  try {
    return bigInteger.test(text) ? readCarefully(text).value : JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    if (/NaN|Infinity/.test(text)) refuseForeign(text)
    throw malformed(text)
  }
}

function refuseForeign(text: string): void {
  let found: { readonly name: string; readonly pointer: string } | undefined
  try {
    found = readCarefully(text).foreign
  } catch {
    // More than that is wrong with it.
  }
  if (found === undefined) return
  const what = `${found.name} is not a JSON value`
  throw new Problem('malformed-json', {
    detail: `The body is not JSON: ${what}.`,
    hint: 'Send null instead.',
    errors: [{ pointer: found.pointer, code: 'malformed-json', message: what }],
  })
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'boolean' ? 'a boolean' : typeof value === 'string' ? 'a text' : 'a number'
}

function malformed(text: string): Problem {
  if (text.trim() === '')
    return new Problem('malformed-json', { detail: 'The body is empty.', hint: expected })
  if (text.startsWith('\ufeff')) {
    const detail = 'The body begins with a byte order mark.'
    return new Problem('malformed-json', { detail, hint: 'Send UTF-8 without it.' })
  }
  return new Problem('malformed-json', { detail: `The body is not JSON: ${reason(text)}.`, hint: expected })
}

/** Our own words: Node's quote the body. */
function reason(text: string): string {
  try {
    readCarefully(text)
  } catch (error) {
    if (error instanceof SyntaxError) return error.message
  }
  return 'it cannot be read'
}
