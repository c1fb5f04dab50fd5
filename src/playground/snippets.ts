/** The same prediction from a terminal and from two languages. */

export interface Asked {
  readonly url: string
  /** JSON text. */
  readonly data: string
  readonly needsKey: boolean
}

export const languages = ['curl', 'Python', 'TypeScript'] as const
export type Language = (typeof languages)[number]

/** Code to copy. Whatever the data holds, it stays inside its quotes. */
export function snippet(language: Language, { url, data, needsKey }: Asked): string {
  const body = `{"data": ${data}}`
  if (language === 'curl') {
    const key = needsKey ? ` -H "X-API-Key: $THAMPI_API_KEY"` : ''
    return `curl${key} -d ${inShell(body)} ${url}`
  }
  if (language === 'Python') {
    return [
      ...(needsKey ? ['import os'] : []),
      'import urllib.request',
      '',
      'request = urllib.request.Request(',
      `    ${JSON.stringify(url)},`,
      `    data=${inPython(body)}.encode(),`,
      ...(needsKey ? ['    headers={"X-API-Key": os.environ["THAMPI_API_KEY"]},'] : []),
      ')',
      'with urllib.request.urlopen(request) as response:',
      '    print(response.read().decode())',
    ].join('\n')
  }
  return [
    `const response = await fetch(${JSON.stringify(url)}, {`,
    "  method: 'POST',",
    ...(needsKey ? ["  headers: { 'X-API-Key': process.env.THAMPI_API_KEY ?? '' },"] : []),
    `  body: ${inScript(body)},`,
    '})',
    'console.log(await response.json())',
  ].join('\n')
}

function inShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** JSON's escapes for texts are Python's, too, except that of half a surrogate pair, which both read. */
function inPython(text: string): string {
  return JSON.stringify(text)
}

function inScript(text: string): string {
  return JSON.stringify(text)
}
