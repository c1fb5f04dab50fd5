/** The verb `wrap`: the file of a bare estimator becomes a saved model. Python does it, because loading runs the file's code. */
import { basename, extname } from 'node:path'
import { type ErrorCode, errorCodes, ThampiError } from './errors.ts'
import { installation } from './system/package.ts'
import { findPython } from './system/python.ts'
import type { System } from './system/system.ts'

export interface WrapOptions {
  /** What joblib, pickle or skops wrote. */
  readonly file: string
  /** Where the saved model's directory goes; undefined: `./models`. */
  readonly out?: string
  /** The model's name; undefined: the file's, without its ending. */
  readonly name?: string
  /** A Python, or a version such as 3.12; undefined: the one in use. */
  readonly python?: string
  /** Answers carry what `predict_proba` gives. */
  readonly probabilities?: boolean
  /** Types in a skops file that may be made although skops does not know them. */
  readonly trust?: readonly string[]
  /** JSON of one input whose answer is recorded. */
  readonly example?: string
}

export interface Wrapped {
  /** The saved model, relative to the current directory when `out` is. */
  readonly dir: string
  /** The estimator's class. */
  readonly estimator: string
  /** Names of the columns it was fitted on; null when they had none. */
  readonly features: readonly string[] | null
  /** How many columns; null when the estimator does not say. */
  readonly width: number | null
  /** It takes texts, not rows. */
  readonly texts: boolean
}

/**
 * Our package by its place: the directory around it may be full of packages of another Python. The current directory
 * is on the path, as it is for a training script: a class of the user's own may lie there.
 */
const program = `import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("thampi", os.path.join(sys.argv[1], "thampi", "__init__.py"))
sys.modules["thampi"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["thampi"])
from thampi.wrapping import main
sys.exit(main(sys.argv[2]))`

/**
 * Makes a saved model of a file that holds a bare estimator. Asked for by name, because a pickle is a program and
 * reading it runs it: nothing else of the command line ever does.
 *
 * @throws ThampiError MODEL_MISSING, MODEL_INVALID, MODULE_MISSING, MODEL_LOAD_FAILED, MODEL_RAISED, PYTHON_MISSING
 * @example
 * const { dir } = await wrap({ file: 'model.joblib', name: 'iris' }, system)
 */
export async function wrap(options: WrapOptions, system: System): Promise<Wrapped> {
  const { file, out = './models', trust = [], probabilities = false } = options
  const ending = extname(file)
  const example = options.example === undefined ? undefined : parsed(options.example)
  const python = await findPython(system, { explicit: options.python })
  system.tell(
    ending === '.skops'
      ? `Reading ${file} with skops, which makes only objects of types it knows.`
      : `Reading ${file} runs whatever code is in it: a pickle is a program. Only wrap files you trust.`,
  )
  const asked = {
    file,
    name: options.name ?? basename(file, ending),
    path: out,
    probabilities,
    trust,
    ...(example === undefined ? {} : { example }),
  }
  const { env, cwd } = system
  const args = ['-c', program, installation().pythonDir, JSON.stringify(asked)]
  const result = await system.run(python.path, args, { cwd, env: { ...env, PYTHONIOENCODING: 'utf-8' } })
  const said = documentIn(result.stdout)
  if (said && 'error' in said) throw errorOf(said.error)
  if (!said) throw noAnswer(file, python.path, result.stderr)
  for (const line of result.stderr.split('\n')) if (line.startsWith('thampi: ')) system.tell(line.slice(8))
  const { notices, ...wrapped } = said
  for (const notice of notices) system.tell(notice)
  return wrapped
}

interface Refusal {
  readonly code: string
  readonly message: string
  readonly why: string | null
  readonly fix: string | null
}

type Said = (Wrapped & { readonly notices: readonly string[] }) | { readonly error: Refusal }

function parsed(example: string): unknown {
  try {
    return JSON.parse(example)
  } catch (cause) {
    throw new ThampiError('USAGE', {
      message: 'What --example holds is not JSON.',
      why: cause instanceof Error ? cause.message : undefined,
      fix: `--example '{"input": [5.9, 3.2, 4.8, 1.8]}'`,
    })
  }
}

function documentIn(stdout: string): Said | undefined {
  try {
    return JSON.parse(stdout) as Said
  } catch {
    return undefined
  }
}

function errorOf({ code, message, why, fix }: Refusal): ThampiError {
  return new ThampiError(isCode(code) ? code : 'INTERNAL', {
    message,
    why: why ?? undefined,
    fix: fix ?? undefined,
  })
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code)
}

/** Python ended without a word of ours: the code in the file ended it, or our own package could not start. */
function noAnswer(file: string, python: string, stderr: string): ThampiError {
  const last = stderr.trim().split('\n').at(-1) ?? ''
  const lacking = /No module named '(\w+)'/.exec(last)?.[1]
  if (lacking !== undefined) {
    return new ThampiError('MODULE_MISSING', {
      message: `${python} has no \`${lacking}\`.`,
      why: 'A model is written with it.',
      fix: `${python} -m pip install ${lacking}`,
    })
  }
  return new ThampiError('MODEL_LOAD_FAILED', {
    message: `Python ended while it read ${file}${last && `: ${last.slice(0, 300)}`}.`,
    fix: 'load it in Python by hand to see more; the Python and the scikit-learn that wrote it are the safest',
  })
}
