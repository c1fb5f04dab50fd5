/** The verb `wrap`: the file of a bare estimator becomes a saved model. Python does it, because loading runs the file's code. */
import { basename, extname } from 'node:path'
import { ThampiError } from './errors.ts'
import { askSdk } from './sdk.ts'
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
  const said = await askSdk<Wrapped & { readonly notices: readonly string[] }>(
    python.path,
    { module: 'wrapping', document: asked, doing: `it read ${file}` },
    system,
  )
  const { notices, ...wrapped } = said
  for (const notice of notices) system.tell(notice)
  return wrapped
}

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
