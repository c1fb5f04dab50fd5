/** `thampi client`: a typed client on stdout, or in a file. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type ClientLanguage, client } from '../../client.ts'
import { systemCode } from '../../errors.ts'
import { explainFileError } from '../../system/files.ts'
import { engineFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'
import { usage } from '../usage.ts'

interface ClientFlags {
  readonly output?: string
}

export async function clientCommand(
  language: ClientLanguage,
  stage: string | undefined,
  { output: file }: ClientFlags,
  session: Session,
): Done {
  const { output } = session
  const text = await client(language, stage, await engineFor(session))
  if (file !== undefined) await write(file, text)
  if (output.manner.json)
    output.document(file === undefined ? { language, text } : { language, file: resolve(file) })
  else if (file === undefined) output.result(text.trimEnd())
  else output.hint(`Wrote ${file}`)
  return 0
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text)
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'ENOENT') throw usage(`"${file}" cannot be written: there is no such directory.`)
    if (code === 'EISDIR') throw usage(`"${file}" is a directory; --output takes a file.`)
    throw explainFileError(cause, file)
  }
}
