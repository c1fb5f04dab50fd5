/** Receipts of a TypeScript model: a process as it will serve loads it, and answers the examples. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ErrorCode, errorCodes, ThampiError } from './errors.ts'
import type { SavedModel } from './model/saved-model.ts'
import { encode } from './runtime/encode.ts'
import { describeEnding, SandboxFailed } from './sandbox/ending.ts'
import { type Command, spawnProcess } from './sandbox/process.ts'
import { type Asked, Sandbox } from './sandbox/sandbox.ts'
import { type Digest, digestOf } from './system/files.ts'
import { findNode } from './system/node.ts'
import { installation } from './system/package.ts'
import type { System } from './system/system.ts'
import { naiveUtc } from './system/time.ts'
import { protocol, type Start } from './wire/messages.ts'

const startTimeoutMs = 60_000
const exampleTimeoutMs = 60_000
const maxResultBytes = 6 * 1024 * 1024

/**
 * The text of `receipts.jsonl`: a line `{"data":…,"result":…}` for each example.
 *
 * @param files of the model, as they will be saved
 * @param examples as JSON texts
 * @throws ThampiError MODEL_LOAD_FAILED, MODEL_RAISED and whatever keeps the model from being loaded
 */
export async function record(
  files: Readonly<Record<string, string | Uint8Array>>,
  name: string,
  examples: readonly string[],
  system: System,
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'thampi-save-'))
  try {
    for (const [file, content] of Object.entries(files)) await writeFile(join(dir, file), content)
    const digests = Object.entries(files).map(([file, bytes]): [string, Digest] => [file, digestOf(bytes)])
    const model = { dir, name, files: Object.fromEntries(digests) }
    const results = await resultsOf(model, examples, system)
    return results.map((result, at) => `{"data":${examples[at]},"result":${result}}\n`).join('')
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** What the model in a directory answers to each example, as JSON texts. Throws as `record` does. */
export async function resultsOf(
  model: Pick<SavedModel, 'dir' | 'name' | 'files'>,
  examples: readonly string[],
  system: System,
): Promise<string[]> {
  const sandbox = await start(startOf(model, system), system)
  try {
    await sandbox.ready
    const results: string[] = []
    for (const [at, data] of examples.entries()) results.push(await resultOf(sandbox, data, at + 1))
    return results
  } catch (cause) {
    throw cause instanceof SandboxFailed ? notLoaded(cause) : cause
  } finally {
    await sandbox.stop()
  }
}

async function start(message: Start, system: System): Promise<Sandbox> {
  const { path } = await findNode(system)
  const env = Object.fromEntries(
    Object.entries(system.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  const command: Command = {
    file: path,
    args: [join(installation().nodeDir, 'runtime.mjs')],
    cwd: message.modelDir,
    env,
  }
  return new Sandbox(spawnProcess(command), {
    start: message,
    memoryMb: Number.POSITIVE_INFINITY,
    startTimeoutMs,
    patienceMs: Number.POSITIVE_INFINITY,
    // What a model prints while it is tried belongs to the person who saves it.
    onPrinted: ({ message: line }) => process.stderr.write(`${line}\n`),
    readUsage: async () => undefined,
  })
}

function startOf({ dir, name, files }: Pick<SavedModel, 'dir' | 'name' | 'files'>, system: System): Start {
  return {
    ...{ protocol, modelDir: dir, codeDir: null, digests: files },
    ...{ servedTimeUtc: naiveUtc(system.now()), stage: 'save', model: name, version: 0 },
    ...{ errors: 'full', logLevel: 'INFO', maxResultBytes, maxBatch: 1, maxConcurrency: 1 },
  }
}

async function resultOf(sandbox: Sandbox, data: string, number: number): Promise<string> {
  const request = { requestId: `example-${number}`, pretty: false, body: Buffer.from(`{"data":${data}}`) }
  const deadline = performance.now() + exampleTimeoutMs
  const timer = setTimeout(() => sandbox.kill({ reason: 'deadline' }), exampleTimeoutMs)
  const asked = await new Promise<Asked>(resolve =>
    sandbox.ask([{ request, deadline }], (_, outcome) => resolve(outcome)),
  )
  clearTimeout(timer)
  if (asked.type === 'ended') throw raised(number, describeEnding(asked.ending).message, data)
  const text = asked.reply.body.toString('utf8')
  if (asked.reply.status < 400) return resultIn(text)
  const { detail } = JSON.parse(text) as { detail: string }
  throw raised(number, detail, data)
}

/** `{"properties":{…},"result":…}`: the result as the very text that was written. */
function resultIn(answer: string): string {
  const { properties } = JSON.parse(answer) as { properties: unknown }
  return answer.slice(`{"properties":${encode(properties)},"result":`.length, answer.lastIndexOf('}'))
}

function raised(number: number, detail: string, data: string): ThampiError {
  return new ThampiError('MODEL_RAISED', {
    message: `The model failed on example ${number}: ${detail.replace(/\.?$/, '.')} Nothing was saved.`,
    why: `The example is ${data.length > 200 ? `${data.slice(0, 200)} …` : data}`,
  })
}

function notLoaded({ failed }: SandboxFailed): ThampiError {
  const code = (failed.code in errorCodes ? failed.code : 'MODEL_LOAD_FAILED') as ErrorCode
  return new ThampiError(code, {
    message: `${failed.message} Nothing was saved.`,
    why: failed.why ?? undefined,
    fix: failed.fix ?? undefined,
    problem: failed.trace ? { trace: failed.trace } : undefined,
  })
}
