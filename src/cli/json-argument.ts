/** JSON in the command line: written there, in a file (`@file`), or on standard input (`-`). */
import { readFile } from 'node:fs/promises'
import { systemCode } from '../errors.ts'
import { jsonProblem } from './json-text.ts'
import { usage } from './usage.ts'

/**
 * The exact JSON text of a flag such as `--data`; `command` is the line without it, for the example in errors.
 *
 * @throws ThampiError USAGE
 */
export async function jsonArgument(
  flag: string,
  words: string | undefined,
  command: string,
): Promise<string> {
  if (words === undefined) {
    throw usage(
      `${command} needs ${flag}.`,
      `${command} ${flag} '{"input": [1, 2]}'   # or @file, or - for stdin`,
    )
  }
  const source = words === '-' ? 'standard input' : words.startsWith('@') ? words.slice(1) : flag
  const text =
    words === '-' ? await standardInput() : words.startsWith('@') ? await file(words.slice(1), flag) : words
  const problem = jsonProblem(text)
  if (problem !== undefined) {
    throw usage(
      `What ${source} holds is not JSON: ${problem}.`,
      `${command} ${flag} '{"input": [1, 2]}'`,
      text.includes("'") && !text.includes('"') ? 'JSON wants double quotes around texts.' : undefined,
    )
  }
  return text
}

async function standardInput(): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of process.stdin) pieces.push(piece)
  return decoded(Buffer.concat(pieces), 'standard input')
}

async function file(path: string, flag: string): Promise<string> {
  try {
    return decoded(await readFile(path), path)
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') throw usage(`There is no file "${path}" to take ${flag} from.`)
    if (systemCode(cause) === 'EISDIR') throw usage(`"${path}" is a directory; ${flag} takes a file.`)
    throw cause
  }
}

function decoded(bytes: Buffer, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw usage(`What ${source} holds is not text in UTF-8.`)
  }
}
