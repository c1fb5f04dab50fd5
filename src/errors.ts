/** What can go wrong, under stable codes, and how a person hears about it. */

/**
 * Every code a user can meet, with the exit status of its category:
 * 1 failed · 2 usage · 3 permission · 4 not found · 5 conflict · 6 unavailable · 7 the model · 8 build · 9 integrity.
 * `docs/reference/errors.md` is generated from this table; a test holds the two together.
 */
export const errorCodes = {
  USAGE: { exit: 2, title: 'The command line could not be understood' },
  NAME_INVALID: { exit: 2, title: 'A name has characters that names cannot have' },
  NAME_TAKEN: { exit: 5, title: 'Two things would share one name' },
  ENV_REQUIRED: { exit: 2, title: 'No stage was given and there is more than one' },
  ENV_UNKNOWN: { exit: 4, title: 'The settings file has no such stage' },
  SETTINGS_MISSING: { exit: 4, title: 'There is no settings file' },
  SETTINGS_INVALID: { exit: 2, title: 'The settings file cannot be used as it is' },
  SETTINGS_EXISTS: { exit: 5, title: 'A settings file is already there' },
  MODEL_MISSING: { exit: 4, title: 'There is no saved model in that place' },
  MODEL_INVALID: { exit: 2, title: 'The directory is not a saved model that can be read' },
  ARCHIVE_INVALID: { exit: 9, title: 'A zip archive is damaged or made to do harm' },
  INTEGRITY: { exit: 9, title: 'Bytes are not those that were saved' },
  PYTHON_MISSING: { exit: 8, title: 'No usable Python was found' },
  NODE_MISSING: { exit: 8, title: 'No usable Node was found' },
  ESBUILD_MISSING: { exit: 8, title: 'There is no esbuild to bundle the model with' },
  BUNDLE_FAILED: { exit: 8, title: 'The model could not be bundled' },
  PYTHON_MISMATCH: { exit: 8, title: 'The model was saved with another Python' },
  MODULE_MISSING: { exit: 8, title: 'The model needs a package that the dependency file does not bring' },
  LOCAL_MODULE: { exit: 8, title: 'The model imports a file of the project that was not saved with it' },
  HOOK_FAILED: { exit: 8, title: 'A function that runs while the project is served failed' },
  MODEL_LOAD_FAILED: { exit: 7, title: 'The model could not be loaded' },
  MODEL_RAISED: { exit: 7, title: 'The model raised an exception' },
  RESULT_NOT_JSON: { exit: 7, title: 'The model returned something JSON cannot carry' },
  EXAMPLE_DIFFERS: { exit: 7, title: 'The new version does not give the recorded answers' },
  REQUIREMENTS_INVALID: { exit: 2, title: 'The dependency file cannot be used' },
  INSTALL_FAILED: { exit: 8, title: 'The dependencies could not be installed' },
  WHEEL_PLATFORM: { exit: 8, title: 'A package has no build that runs where the model is going' },
  OUTPUT_EXISTS: { exit: 5, title: 'Files of somebody else are in the place of the result' },
  PACKAGE_TOO_BIG: { exit: 8, title: 'The package is bigger than the platform takes' },
  WHEEL_INVALID: { exit: 8, title: 'The wheel of a package cannot be used' },
  SECRET_FOUND: { exit: 8, title: 'A file to be packed holds what looks like a secret' },
  PROJECT_INVALID: { exit: 8, title: 'The project directory holds something that cannot be packed' },
  PROJECT_TOO_BIG: { exit: 8, title: 'The project directory holds too much to pack' },
  PLATFORM_UNAVAILABLE: { exit: 1, title: 'The platform does not have what was asked of it' },
  NO_AWS_PROFILE: { exit: 3, title: 'This machine does not have the AWS profile' },
  NO_REGION: { exit: 2, title: 'Nothing names the AWS region' },
  AWS_CREDENTIALS: { exit: 3, title: 'AWS does not accept the credentials' },
  AWS_DENIED: { exit: 3, title: 'A permission on AWS is missing' },
  AWS_REFUSED: { exit: 1, title: 'AWS refused what it was asked' },
  AWS_UNAVAILABLE: { exit: 6, title: 'AWS did not answer, or is not ready' },
  BUCKET_UNUSABLE: { exit: 5, title: 'The bucket cannot be used' },
  PORT_TAKEN: { exit: 5, title: 'Another program listens on the port' },
  HOST_RUNNING: { exit: 5, title: 'A local platform already runs on this state directory' },
  HOST_FAILED: { exit: 6, title: 'The local platform did not start' },
  HOST_UNREACHABLE: { exit: 6, title: 'The local platform does not answer' },
  NOT_DEPLOYED: { exit: 4, title: 'Nothing is served on that stage' },
  VERSION_UNKNOWN: { exit: 4, title: 'The stage has no such version' },
  KEY_UNKNOWN: { exit: 4, title: 'The stage has no such API key' },
  KEY_EXISTS: { exit: 5, title: 'The stage has an API key of that name already' },
  REQUEST_UNKNOWN: { exit: 4, title: 'The request was not kept' },
  STILL_DEPLOYED: { exit: 5, title: 'The stage is still served' },
  DEPLOY_IN_PROGRESS: { exit: 5, title: 'Another deployment of the stage is under way' },
  PREDICT_FAILED: { exit: 1, title: 'The endpoint answered with an error' },
  NETWORK: { exit: 6, title: 'The network did not deliver' },
  PERMISSION: { exit: 3, title: 'The operating system refused' },
  DISK_FULL: { exit: 1, title: 'The disk is full' },
  INTERRUPTED: { exit: 130, title: 'Stopped with Ctrl-C' },
  INTERNAL: { exit: 1, title: 'A mistake of ours' },
} as const

export type ErrorCode = keyof typeof errorCodes

export interface ErrorParts {
  /** What happened, in one sentence, with the user's own names and values. */
  readonly message: string
  /** Why: the value seen and the value wanted. */
  readonly why?: string | undefined
  /** The command or the line that mends it, ready to paste. */
  readonly fix?: string | undefined
  /** The problem document a server sent, when there is one. */
  readonly problem?: unknown
  readonly cause?: unknown
}

/**
 * The one error that libraries of this project throw on purpose.
 *
 * @example
 * throw new ThampiError('ENV_UNKNOWN', { message: 'No stage `stagin` in zappa_settings.json.', fix: 'thampi serve staging' })
 */
export class ThampiError extends Error {
  readonly code: ErrorCode
  readonly why: string | undefined
  readonly fix: string | undefined
  readonly problem: unknown

  constructor(code: ErrorCode, parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause })
    this.name = 'ThampiError'
    this.code = code
    this.why = parts.why
    this.fix = parts.fix
    this.problem = parts.problem
  }

  /** The exit status of the command line for this error. */
  get exit(): number {
    return errorCodes[this.code].exit
  }
}

/** Where the page about a code stands, relative to the repository. */
export function docsPage(code: ErrorCode): string {
  return `docs/reference/errors.md#${code.toLowerCase()}`
}

/** The code of an operating system error such as `ENOENT`, or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return undefined
}
