/** `thampi predict`: asks the model and prints its answer as Python would. */
import { readFile } from 'node:fs/promises'
import { systemCode, ThampiError } from '../../errors.ts'
import { predict } from '../../predict.ts'
import { engineFor } from '../engine.ts'
import { indentedJson, jsonProblem } from '../json-text.ts'
import { pprintJson } from '../pprint.ts'
import { report } from '../report.ts'
import type { Done, Session } from '../session.ts'
import { usage } from '../usage.ts'

interface PredictFlags {
  readonly data?: string
}

export async function predictCommand(stage: string | undefined, flags: PredictFlags, session: Session): Done {
  const { output } = session
  const data = await dataOf(flags)
  const engine = await engineFor(session)
  const answer = await predict(stage, data, engine)
  if (answer.status < 400) {
    output.result(output.manner.json ? indentedJson(answer.body) : pprintJson(answer.body))
    return 0
  }
  const status = report(refused(answer), output)
  output.hint(`Run 'thampi tail ${engine.settings.stage(stage).name} --since=3m' to see recent error logs.`)
  return status
}

/** The exact JSON text of `--data`. */
async function dataOf({ data }: PredictFlags): Promise<string> {
  if (data === undefined) {
    throw usage(
      'thampi predict needs --data.',
      'thampi predict --data \'{"input": [1, 2]}\'   # or @file, or - for stdin',
    )
  }
  const source = data === '-' ? 'standard input' : data.startsWith('@') ? data.slice(1) : '--data'
  const text = data === '-' ? await standardInput() : data.startsWith('@') ? await file(data.slice(1)) : data
  const problem = jsonProblem(text)
  if (problem !== undefined) {
    throw usage(
      `What ${source} holds is not JSON: ${problem}.`,
      `thampi predict --data '{"input": [1, 2]}'`,
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

async function file(path: string): Promise<string> {
  try {
    return decoded(await readFile(path), path)
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') throw usage(`There is no file "${path}" to take --data from.`)
    if (systemCode(cause) === 'EISDIR') throw usage(`"${path}" is a directory; --data takes a file.`)
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

/** The error a server answered with; a body that is no problem document is shown as it came. */
function refused({ status, body }: { status: number; body: string }): ThampiError {
  const problem = problemOf(body)
  const text = (name: string) => (typeof problem?.[name] === 'string' ? problem[name] : undefined)
  return new ThampiError('PREDICT_FAILED', {
    message: `${text('title') ?? 'The endpoint answered with an error'} (HTTP ${status}).`,
    why: text('detail') ?? (body.trim().slice(0, 500) || undefined),
    fix: text('hint'),
    problem,
  })
}

function problemOf(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const document: unknown = JSON.parse(body)
    return typeof document === 'object' && document !== null ? { ...document } : undefined
  } catch {
    return undefined
  }
}
