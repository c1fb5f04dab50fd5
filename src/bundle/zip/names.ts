/** Names of files in an archive: which are refused, because some system would put the file elsewhere or over another. */

/** Nearly all names: letters and digits, no part that begins with a dot or is long. One look instead of eight. */
const ORDINARY = /^(?:[\w+-][\w+.-]{0,200}\/)*[\w+-][\w+.-]{0,200}$/

/** What no system that unpacks an archive should meet, in words for a person; undefined for an ordinary name. */
export function problemWithName(path: string): string | undefined {
  if (ORDINARY.test(path)) return undefined
  if (path === '') return 'is empty'
  if (path.startsWith('/')) return 'is absolute'
  if (path.includes('\\')) return 'has a backslash'
  if (/^[A-Za-z]:/.test(path)) return 'names a drive'
  if (/[\x00-\x1f\x7f]/.test(path)) return 'has a control character'
  const parts = path.split('/')
  if (parts.includes('..')) return 'leads out of the archive'
  if (parts.some(part => part === '' || part === '.')) return 'is not in its shortest form'
  if (parts.some(part => Buffer.byteLength(part) > 255)) return 'is longer than file systems allow'
  return undefined
}

/** The names of one archive. Systems that ignore case or fold accents take twins for one file. */
export class Names {
  readonly #files = new Map<string, string>()
  readonly #directories = new Map<string, string>()

  /** The name that `path` collides with, or undefined when it was added. */
  add(path: string): string | undefined {
    const folded = fold(path)
    const twin = this.#files.get(folded) ?? this.#directories.get(folded)
    if (twin !== undefined) return twin
    for (let end = folded.lastIndexOf('/'); end > 0; end = folded.lastIndexOf('/', end - 1)) {
      const directory = folded.slice(0, end)
      const file = this.#files.get(directory)
      if (file !== undefined) return file
      if (this.#directories.has(directory)) break
      this.#directories.set(directory, path)
    }
    this.#files.set(folded, path)
    return undefined
  }
}

const ASCII = /^[\x00-\x7f]*$/

/** Upper case first: some letters, such as `ß` and `SS`, only meet there. */
function fold(path: string): string {
  if (ASCII.test(path)) return path.toLowerCase()
  return path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}
