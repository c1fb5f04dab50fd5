/** Text of others (models, servers, files) made safe to show: it may not steer the terminal. */

// Every way into an escape sequence: CSI, OSC and its relatives up to their end, and single characters.
const sequences = new RegExp(
  [
    '(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]',
    '(?:\\x1b[\\]PX^_]|[\\x90\\x98\\x9d-\\x9f])[^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c)?',
    '\\x1b[ -/]*[0-~]',
  ].join('|'),
  'g',
)

/** `text` without escape sequences and control characters; line feeds and tabs stay. */
export function plainText(text: string): string {
  return text.replace(sequences, '').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '')
}

/** Like `plainText`, but colours may stay. Ends with a reset when it has any, so that they do not run on. */
export function colouredText(text: string): string {
  const kept = text
    .split(/(\x1b\[[\d;]*m)/)
    .map((piece, i) => (i % 2 === 1 ? piece : plainText(piece)))
    .join('')
  return kept.includes('\x1b[') ? `${kept}\x1b[0m` : kept
}
