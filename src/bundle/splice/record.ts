/** `RECORD`, a wheel's own list of its files: comma-separated path, digest and size (PEP 376, PEP 427). */

/** What the list says about a file; each part may be left out. */
export interface Recorded {
  /** Name of the algorithm, for `node:crypto`. */
  readonly algorithm?: string
  /** base64url without padding. */
  readonly digest?: string
  readonly bytes?: number
}

/** Path → what is said about it. Lines that cannot be read say nothing: their files then are not listed. */
export function parseRecord(text: string): Map<string, Recorded> {
  const files = new Map<string, Recorded>()
  for (const line of text.split(/\r?\n/)) {
    const [path, hash = '', size = ''] = fieldsOf(line)
    if (path === undefined || path === '') continue
    const [, algorithm, digest] = /^([a-z0-9]+)=([A-Za-z0-9_-]+)=*$/.exec(hash) ?? []
    files.set(path.replace(/^\.\//, ''), {
      ...(algorithm === undefined || digest === undefined ? {} : { algorithm, digest }),
      ...(/^\d{1,15}$/.test(size) ? { bytes: Number(size) } : {}),
    })
  }
  return files
}

/** A field with a comma or a quote in it stands in quotes, and its own quotes twice. */
function fieldsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',')
  const fields = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)
  return [...fields].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '')
}
