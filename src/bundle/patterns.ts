/** File patterns of the settings file: `*`, `?`, `[a-z]`, `[!a]` and `**`. */

/** Tells whether a path inside the project, written with `/`, is meant. */
export type Pattern = (path: string, isDirectory: boolean) => boolean

/**
 * A pattern without a slash is compared with the last name of a path, at any depth; one with a slash with the whole
 * path. A slash at the end means directories only.
 *
 * @example
 * parsePattern('*.csv')('data/iris.csv', false) // true
 * parsePattern('data/')('data', true) // true
 */
export function parsePattern(text: string): Pattern {
  const directoriesOnly = /[\\/]$/.test(text)
  const glob = text
    .replaceAll('\\', '/')
    .replace(/^(\.?\/)+/, '')
    .replace(/\/+$/, '')
  if (glob === '') return () => false
  const expression = new RegExp(`^${translate(glob)}$`, 's')
  const anchored = glob.includes('/') || /^\.?[\\/]/.test(text)
  return (path, isDirectory) => {
    if (directoriesOnly && !isDirectory) return false
    return expression.test(anchored ? path : path.slice(path.lastIndexOf('/') + 1))
  }
}

function translate(glob: string): string {
  let source = ''
  const pieces = /\*\*\/|\*+|\?|\[!?\]?[^\]/]*\]|[^*?[]+|\[/gs
  for (const [piece] of glob.matchAll(pieces)) {
    if (piece === '**/') source += '(?:[^/]+/)*'
    else if (piece.startsWith('**')) source += '.*'
    else if (piece === '*') source += '[^/]*'
    else if (piece === '?') source += '[^/]'
    else if (piece.startsWith('[') && piece.length > 1) source += characterClass(piece)
    else source += piece.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  }
  return source
}

/** A range that runs backwards matches nothing, as in a shell, instead of being an error. */
function characterClass(piece: string): string {
  const negated = piece.startsWith('[!')
  const inside = piece.slice(negated ? 2 : 1, -1).replace(/[\\\]^[]/g, '\\$&')
  const source = `[${negated ? '^/' : ''}${inside}]`
  try {
    new RegExp(source)
    return source
  } catch {
    return '[^\\s\\S]'
  }
}
