/** Text on a page of 80 columns: folded between words, in two columns. */

export const pageWidth = 80

/** Lines of at most `width`; a word that is longer (a path, a URL) stays whole. */
export function folded(text: string, width: number = pageWidth): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Terms to the left, their explanation folded to the right of them. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(...rows.map(([term]) => term.length)) + 4
  return rows.flatMap(([term, explanation]) =>
    folded(explanation, pageWidth - left).map((line, i) => (i === 0 ? `  ${term}` : '').padEnd(left) + line),
  )
}
