import { expect, it } from 'vitest'
import { colouredText, plainText } from './plain-text.ts'

it.each([
  ['colours', '\x1b[31mred\x1b[0m', 'red'],
  ['cursor movements', 'a\x1b[2J\x1b[1;1Hb', 'ab'],
  ['titles of the window', '\x1b]0;owned\x07text', 'text'],
  ['links', '\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\', 'link'],
  ['8-bit sequences', '\x9b31mred', 'red'],
  ['overwriting a line', 'safe\rfake', 'safefake'],
  ['bells and backspaces', 'a\x07\x08b', 'ab'],
])('%s do not get through', (_, text, wanted) => {
  expect(plainText(text)).toBe(wanted)
})

it('line feeds, tabs and every script get through', () => {
  expect(plainText('a\n\tb é 漢字 🎉')).toBe('a\n\tb é 漢字 🎉')
})

it('colours may stay, end where the text ends, and nothing else stays with them', () => {
  expect(colouredText('\x1b[31mred\x1b[2J')).toBe('\x1b[31mred\x1b[0m')
  expect(colouredText('plain\x1b]0;owned\x07')).toBe('plain')
})
