/** JSON as text: where it is broken, and how it looks indented. Never through JavaScript values: 1.0 must stay 1.0. */
import { parse } from 'lossless-json'

/** What is wrong with `text` as JSON, and where; undefined when nothing is. */
export function jsonProblem(text: string): string | undefined {
  try {
    parse(text, undefined, { onDuplicateKey: ({ newValue }) => newValue })
    return undefined
  } catch (error) {
    if (error instanceof RangeError) return 'it is nested too deeply'
    const said = error instanceof Error ? error.message : String(error)
    const position = /^(.*) at position (\d+)$/s.exec(said)
    return position ? `${position[1]} at ${place(text, Number(position[2]))}` : said
  }
}

function place(text: string, position: number): string {
  if (position >= text.length) return 'the end'
  const before = text.slice(0, position).split('\n')
  const column = (before.at(-1)?.length ?? 0) + 1
  return before.length === 1 ? `character ${column}` : `line ${before.length}, character ${column}`
}

const token = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g

/** Valid JSON, laid out with two spaces; every number and string stays as it was spelled, every key in its place. */
export function indentedJson(text: string): string {
  const tokens = text.match(token) ?? []
  const pieces: string[] = []
  let depth = 0
  tokens.forEach((piece, i) => {
    const previous = tokens[i - 1]
    if (piece === '}' || piece === ']') {
      depth--
      if (previous !== '{' && previous !== '[') pieces.push(newLine(depth))
    } else if (previous === '{' || previous === '[' || previous === ',') {
      pieces.push(newLine(depth))
    }
    if (piece === '{' || piece === '[') depth++
    pieces.push(piece === ':' ? ': ' : piece)
  })
  return pieces.join('')
}

function newLine(depth: number): string {
  return `\n${'  '.repeat(depth)}`
}
