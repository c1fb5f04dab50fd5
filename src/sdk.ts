/** Our Python package at work in the user's Python: one JSON document in, one out. */
import { type ErrorCode, errorCodes, ThampiError } from './errors.ts'
import { installation } from './system/package.ts'
import type { System } from './system/system.ts'

/**
 * Our package by its place: the directory around it may be full of packages of another Python. The current directory
 * is on the path, as it is for a training script: a class of the user's own may lie there.
 */
const ours = `import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("thampi", os.path.join(sys.argv[1], "thampi", "__init__.py"))
sys.modules["thampi"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["thampi"])
main = importlib.import_module("thampi." + sys.argv[2]).main`
const program = `${ours}
sys.exit(main(sys.stdin.read()))`
const foregroundProgram = `${ours}
sys.exit(main(sys.argv[3:]))`

/** The arguments with which Python runs a module of ours that talks to a person: standard input stays the terminal. */
export function foregroundArguments(module: 'debugging', ...args: readonly string[]): string[] {
  return ['-c', foregroundProgram, installation().pythonDir, module, ...args]
}

export interface Asked {
  /** A module of our package with a function `main` that takes the document as text and prints its answer. */
  readonly module: 'examples' | 'wrapping'
  readonly document: object
  /** For errors: what Python was doing, `it read model.joblib`. */
  readonly doing: string
}

/**
 * What the module printed. Lines of stderr that begin with `thampi: ` are told.
 *
 * @throws ThampiError what the module says went wrong; MODULE_MISSING, MODEL_LOAD_FAILED when it said nothing
 */
export async function askSdk<Answer>(python: string, asked: Asked, system: System): Promise<Answer> {
  const { env, cwd } = system
  const result = await system.run(python, ['-c', program, installation().pythonDir, asked.module], {
    cwd,
    env: { ...env, PYTHONIOENCODING: 'utf-8' },
    // Not an argument: those may be as long as 128 kB, and other users can read them.
    input: JSON.stringify(asked.document),
  })
  const said = documentIn(result.stdout) as Answer | { readonly error: Refusal } | undefined
  if (typeof said !== 'object' || said === null) throw noAnswer(asked.doing, python, result.stderr)
  if ('error' in said) throw errorOf(said.error)
  for (const line of result.stderr.split('\n')) if (line.startsWith('thampi: ')) system.tell(line.slice(8))
  return said
}

interface Refusal {
  readonly code: string
  readonly message: string
  readonly why: string | null
  readonly fix: string | null
}

function documentIn(stdout: string): unknown {
  try {
    return JSON.parse(stdout)
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

/** Python ended without a word of ours: the user's code ended it, or our own package could not start. */
function noAnswer(doing: string, python: string, stderr: string): ThampiError {
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
    message: `Python ended while ${doing}${last && `: ${last.slice(0, 300)}`}.`,
    fix: 'load it in Python by hand to see more; the Python and the libraries that wrote it are the safest',
  })
}
