/** A value as one word of a POSIX shell, ready to paste. */

/** @example shellWord("it's")   // 'it'\''s' */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
