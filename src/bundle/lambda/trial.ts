/** The finished package is tried: unpacked as in Lambda, loaded, and asked what was recorded when the model was saved. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, errorCodes, ThampiError } from '../../errors.ts'
import { compare, type Difference, resultOf } from '../../model/answers.ts'
import type { SavedModel } from '../../model/saved-model.ts'
import type { System } from '../../system/system.ts'
import { contentOf, readZip } from '../zip/read.ts'
import { nodeDriver, pythonDriver } from './drivers.ts'
import { unpackPackage } from './layout.ts'
import { type Manifest, manifestFile } from './manifest.ts'
import type { LambdaPackage } from './package.ts'

/** What runs a package here: the program, and whether it is a Python or a Node. */
export interface Interpreter {
  readonly path: string
  readonly language: 'python' | 'node'
}

/** What a trial showed. */
export interface Trial {
  /** Imports, loading and `initialize` together. */
  readonly startSeconds: number
  /** How many recorded examples were answered as recorded. */
  readonly examples: number
}

/** A package that did not do what it has to; `missing` tells when something in it was not found. */
export class TrialFailed extends ThampiError {
  /** The module or file that was not there, when that is why. */
  readonly missing: string | undefined
  /** True when the machine is to blame: its C library is older than that of Lambda. */
  readonly isOurMachine: boolean

  constructor(code: ErrorCode, parts: ConstructorParameters<typeof ThampiError>[1], said: string) {
    super(code, parts)
    this.missing = missingIn(said)
    this.isOurMachine = /version `GLIBC(XX)?_[\d.]+' not found|wrong ELF class|Exec format error/.test(said)
  }
}

/** More examples than these are left to the proof of the version itself. */
const mostExamples = 50

/** Imports of big libraries take their time on a small machine. */
const timeoutMs = 180_000

/**
 * Unpacks the package below `home`, starts it and asks it. Nothing of this machine's packages is visible to it.
 *
 * @throws TrialFailed when it does not load, does not answer, or answers differently
 * @example
 * const { startSeconds } = await tryPackage(made, model, { path: '/usr/bin/python3.13', language: 'python' }, system)
 */
export async function tryPackage(
  made: LambdaPackage,
  model: Pick<SavedModel, 'receipts' | 'tolerances'>,
  interpreter: Interpreter,
  system: System,
): Promise<Trial> {
  const manifest = await manifestIn(made.functionZip.file)
  const { taskRoot, layerRoot, scratch, remove } = await unpackPackage(made, system.places.home, manifest)
  const receipts = model.receipts.slice(0, mostExamples)
  const answers = join(scratch, '..', 'answers.jsonl')
  try {
    const events = [{ thampi: 'health' }, ...receipts.map(({ data }) => predictEvent(manifest, data))]
    const args =
      interpreter.language === 'python'
        ? ['-I', '-S', '-B', '-c', pythonDriver, taskRoot, layerRoot, answers]
        : ['--input-type=module', '-e', nodeDriver, '--', taskRoot, answers]
    const ended = await system.run(interpreter.path, args, {
      env: environmentOf(made, manifest, taskRoot, scratch, system),
      input: events.map(event => `${JSON.stringify(event)}\n`).join(''),
      timeoutMs,
    })
    const said = linesOf(await readFile(answers, 'utf8').catch(() => ''))
    return judge(said, receipts, model, manifest.start.model, `${ended.stdout}\n${ended.stderr}`)
  } finally {
    await remove()
  }
}

/** What a driver says, one of the three a line. */
interface Said {
  readonly imported?: number
  readonly answer?: Answer
  readonly ms?: number
  readonly error?: string
  readonly trace?: string
}

/** Of a health check, or of a prediction. */
interface Answer {
  readonly ready?: boolean
  readonly failed?: { code: string; message: string; why?: string; fix?: string; trace?: string }
  readonly statusCode?: number
  readonly body?: string
}

function judge(
  said: readonly Said[],
  receipts: SavedModel['receipts'],
  { tolerances }: Pick<SavedModel, 'tolerances'>,
  name: string,
  printed: string,
): Trial {
  const broken = said.find(({ error }) => error !== undefined)
  if (broken) throw notLoaded(name, broken.error ?? '', broken.trace ?? '')
  const [imported, health, ...answers] = said
  if (imported?.imported === undefined || health?.answer === undefined) throw died(name, printed)
  const { failed } = health.answer
  if (failed) throw refused(failed)
  for (const [at, { data, result }] of receipts.entries()) {
    const answer = answers[at]?.answer
    if (answer === undefined) throw died(name, printed)
    const { statusCode = 0, body = '' } = answer
    if (statusCode >= 400) throw raised(name, at + 1, receipts.length, data, body)
    if (result === undefined) continue
    const [difference] = compare(result, resultOf(body), tolerances).differences
    if (difference) throw differs(name, at + 1, receipts.length, difference)
  }
  return { startSeconds: (imported.imported + (health.ms ?? 0)) / 1000, examples: receipts.length }
}

const nothingUploaded = 'Nothing was uploaded.'

/** A model may need what only Lambda has: a network, a role. */
const elsewhere = 'when it can work in Lambda only: the same command with --no-try'

function notLoaded(name: string, error: string, trace: string): TrialFailed {
  return new TrialFailed(
    'MODEL_LOAD_FAILED',
    {
      message: `The package of ${name} does not start: ${error.split('\n')[0]} ${nothingUploaded}`,
      why: trace.trim().split('\n').slice(-3, -1).join(' ').trim() || undefined,
      fix: elsewhere,
      problem: { trace },
    },
    `${error}\n${trace}`,
  )
}

function refused({ code, message, why, fix, trace }: NonNullable<Answer['failed']>): TrialFailed {
  const known = code in errorCodes ? (code as ErrorCode) : 'MODEL_LOAD_FAILED'
  const parts = {
    message: `${message.replace(/\.?$/, '.')} ${nothingUploaded}`,
    why: why ?? undefined,
    fix: fix ?? elsewhere,
    ...(trace ? { problem: { trace } } : {}),
  }
  return new TrialFailed(known, parts, [message, why, trace].join('\n'))
}

function died(name: string, printed: string): TrialFailed {
  return new TrialFailed(
    'MODEL_LOAD_FAILED',
    {
      message: `The process of ${name} ended, or took longer than ${timeoutMs / 1000} s, while its package was tried. ${nothingUploaded}`,
      why: printed.trim().split('\n').at(-1) || undefined,
      fix: elsewhere,
    },
    printed,
  )
}

function raised(name: string, number: number, of: number, data: string, body: string): TrialFailed {
  const problem = problemIn(body)
  return new TrialFailed(
    'MODEL_RAISED',
    {
      message: `The package of ${name} cannot answer example ${number} of ${of}: ${problem.detail} ${nothingUploaded}`,
      why: `The example is ${data.length > 200 ? `${data.slice(0, 200)} …` : data}`,
      fix: elsewhere,
      problem,
    },
    body,
  )
}

function differs(name: string, number: number, of: number, { path, recorded, got }: Difference): TrialFailed {
  return new TrialFailed(
    'EXAMPLE_DIFFERS',
    {
      message: `The package of ${name} answers example ${number} of ${of} differently from when it was saved. ${nothingUploaded}`,
      why: `${path} was ${recorded}, is ${got}.`,
      fix: 'pin the library versions the model was saved with, or save it again',
    },
    '',
  )
}

function problemIn(body: string): { readonly detail: string } {
  try {
    return JSON.parse(body) as { detail: string }
  } catch {
    return { detail: body.slice(0, 200) }
  }
}

/** A module or a file that is not there, in the words of Python. */
function missingIn(said: string): string | undefined {
  const module =
    /No module named ["'\\]*([\w.]+)/.exec(said)?.[1] ??
    /cannot import name .* from ["'\\]*([\w.]+)/.exec(said)?.[1]
  if (module !== undefined) return module
  return /No such file or directory: ["'\\]*[^"'\\]*\/opt\/python\/([^"'\\]+)/.exec(said)?.[1]
}

/** A line that was cut off is no answer. */
function linesOf(text: string): Said[] {
  return text.split('\n').flatMap(line => {
    try {
      return [JSON.parse(line) as Said]
    } catch {
      return []
    }
  })
}

/** A request as an HTTP API sends it; `contract/lambda.md` says why this one. */
function predictEvent({ start: { model, stage } }: Manifest, data: string): object {
  return {
    version: '2.0',
    rawPath: `/${stage}/${model}/predict`,
    rawQueryString: '',
    headers: { 'content-type': 'application/json' },
    requestContext: {
      http: { method: 'POST', path: `/${stage}/${model}/predict`, sourceIp: '127.0.0.1' },
      requestId: 'trial',
      stage,
    },
    body: `{"data":${data}}`,
    isBase64Encoded: false,
  }
}

/** What Lambda tells a function, and nothing of the environment that this command runs in: it holds credentials. */
function environmentOf(
  { environment, memoryMb }: LambdaPackage,
  { start: { model, stage } }: Manifest,
  taskRoot: string,
  scratch: string,
  { env }: System,
): Record<string, string> {
  return {
    PATH: env.PATH ?? '',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    HOME: scratch,
    TMPDIR: scratch,
    ...environment,
    LAMBDA_TASK_ROOT: taskRoot,
    AWS_LAMBDA_FUNCTION_NAME: `${model}-${stage}`,
    AWS_LAMBDA_FUNCTION_VERSION: '1',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

async function manifestIn(zip: string): Promise<Manifest> {
  const { entries, close } = await readZip(zip)
  try {
    const entry = entries.find(({ path }) => path === manifestFile)
    if (!entry) throw new ThampiError('INTERNAL', { message: `"${zip}" has no ${manifestFile}.` })
    return JSON.parse((await contentOf(entry)).toString('utf8')) as Manifest
  } finally {
    await close()
  }
}
