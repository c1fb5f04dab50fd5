/** On which line of a JSON text a value stands, so that an error can name it. */

/**
 * The line, counted from 1, of the value at `path`, or undefined when there is none.
 * The text has been parsed before, so only valid JSON comes here; of repeated keys the last one counts, as for the parser.
 *
 * @example
 * jsonLine('{\n  "dev": {\n    "memory_size": "big"\n  }\n}', ['dev', 'memory_size']) // 3
 */
export function jsonLine(text: string, path: readonly string[]): number | undefined {
  let found: number | undefined
  // For each open object or list: the key we are at, and whether the path has been followed so far.
  const open: { onPath: boolean; isObject: boolean; key: string | number }[] = []
  let expectKey = false
  for (const token of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g)) {
    const [sign] = token
    const inside = open.at(-1)
    if (sign === '}' || sign === ']') {
      open.pop()
      expectKey = false
    } else if (sign === ',') {
      if (inside && typeof inside.key === 'number') inside.key++
      expectKey = inside?.isObject === true
    } else if (sign === ':') {
      expectKey = false
    } else if (expectKey && inside) {
      inside.key = String(JSON.parse(sign))
    } else {
      const depth = open.length
      const onPath = !inside || (inside.onPath && String(inside.key) === path[depth - 1])
      if (onPath && depth === path.length) found = lineAt(text, token.index)
      if (sign === '{' || sign === '[') {
        open.push({ onPath, isObject: sign === '{', key: sign === '{' ? '' : 0 })
        expectKey = sign === '{'
      }
    }
  }
  return found
}

/** The line, counted from 1, of a position in a text. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}
