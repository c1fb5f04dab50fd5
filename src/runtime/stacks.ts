/** Stacks in the words of the sources: lines of the bundled model become lines of the files it was bundled from. */
import { SourceMap, type SourceMapPayload } from 'node:module'

const inline = /\n\/\/# sourceMappingURL=data:application\/json[^,]*;base64,([A-Za-z0-9+/=]+)\s*$/

/** From here on, frames in `url` are shown where they stand in the sources that `code`'s own map names. */
export function mapStacks(url: string, code: string): void {
  const encoded = inline.exec(code)?.[1]
  if (encoded === undefined) return
  let map: SourceMap | undefined
  Error.prepareStackTrace = (error, sites) => {
    // Reading the map takes a moment, which only errors pay.
    map ??= readMap(encoded)
    return [headOf(error), ...sites.map(site => `    at ${inSource(site, url, map)}`)].join('\n')
  }
}

function readMap(encoded: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as SourceMapPayload)
  } catch {
    return undefined
  }
}

function headOf(error: Error): string {
  try {
    return String(error)
  } catch {
    return 'Error'
  }
}

function inSource(site: NodeJS.CallSite, url: string, map: SourceMap | undefined): string {
  const shown = site.toString()
  const [line, column] = [site.getLineNumber(), site.getColumnNumber()]
  if (map === undefined || line === null || column === null || site.getScriptNameOrSourceURL() !== url)
    return shown
  const origin = map.findEntry(line - 1, column - 1)
  if (!('originalSource' in origin)) return shown
  const place = `${origin.originalSource}:${origin.originalLine + 1}:${origin.originalColumn + 1}`
  return shown.replace(`${url}:${line}:${column}`, place)
}
