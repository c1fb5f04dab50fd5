/** A stage: one key of the settings file, resolved, checked and free of Zappa's spellings. */

export type InstallerName = 'pip' | 'conda'
/** Among the keys that only AWS has. */
export const provisionedKey = 'thampi.provisioned_concurrency'

export type PlatformName = 'local' | 'aws'

/**
 * What a dependency file may name besides the packages of one index: `local` directories and files of the project, wheels
 * at an `url`, further sources of packages (`index`), and variables of the `environment`.
 */
export type AllowedSource = 'local' | 'url' | 'index' | 'environment'

/** `s3://bucket/key`. What it says comes before `aws_environment_variables` and behind `environment_variables`, as in Zappa. */
export interface RemoteEnvironment {
  readonly bucket: string
  readonly key: string
  /** Names that only `aws_environment_variables` sets. */
  readonly replaces: readonly string[]
}

/** What `thampi serve STAGE` needs to know. Everything is decided here; nobody looks into the file again. */
export interface Stage {
  /** The key in the settings file: `staging`. */
  readonly name: string
  /** `project_name`: the model's name in the URL. */
  readonly model: string
  readonly platform: PlatformName
  /** Where the settings put it, whatever `--platform` says: what is served here may be meant for Lambda. */
  readonly meantFor: PlatformName
  readonly installer: InstallerName
  /** Memory of one sandbox in MB (`memory_size`). */
  readonly memoryMb: number
  /** How long one prediction may take, in seconds (`timeout_seconds`). */
  readonly timeoutSeconds: number
  /** Never stopped for idleness (`keep_warm`). */
  readonly keepWarm: boolean
  /** At most so many sandboxes (`lambda_concurrency`), undefined: as many as pay on this machine. */
  readonly maxSandboxes: number | undefined
  /** The most requests the model is handed together; 1: no batches. */
  readonly maxBatch: number
  /** How long a batch that is not full waits for more, in milliseconds. */
  readonly maxWaitMs: number
  /** How many predictions one sandbox works on at the same time. */
  readonly maxConcurrency: number
  /** How many requests may wait for a free sandbox; undefined: as many as pay. */
  readonly maxQueue: number | undefined
  /** Whether `predict` may run a second time for a request whose process died. */
  readonly idempotent: boolean
  /** Whether memory beyond `memoryMb` is refused inside the model, rather than its process ended. */
  readonly memoryWall: boolean
  /** Whether its processes may be forked from one that has imported the libraries. */
  readonly fork: boolean
  /** The model's own environment variables; they win over those of the machine. */
  readonly environment: Readonly<Record<string, string>>
  /** `remote_env`: an S3 object with more environment, read by the function on AWS. */
  readonly remoteEnvironment: RemoteEnvironment | undefined
  /** What a dependency file may bring to another machine besides packages of one index. */
  readonly dependencySources?: readonly AllowedSource[] | undefined
  /** boto3 is packed although Lambda brings it. */
  readonly keepBoto3?: boolean | undefined
  /** Python functions of the project, `module.function`, by the moment at which they run (`prebuild_script`, `callbacks`). */
  readonly hooks?: Readonly<Partial<Record<'settings' | 'prebuild' | 'zip' | 'post', string>>> | undefined
  /** Patterns of files that are not packed (`exclude`, `exclude_glob`). */
  readonly exclude: readonly string[]
  /** `full` tells callers what the model's exception was; `terse` keeps it in the logs. */
  readonly errors: 'full' | 'terse'
  readonly logLevel: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL'
  /** How many versions are kept (`num_retained_versions`); undefined: the default of the platform. */
  readonly retainedVersions: number | undefined
  /** Python that should run the model, such as `3.12`; undefined: the one that saved it. */
  readonly python: string | undefined
  /** Major of the Node that runs a model without Python on Lambda, such as `24`; undefined: our choice. */
  readonly node?: string | undefined
  /** Callers need an API key (`api_key_required`). */
  readonly apiKeyRequired: boolean
  /** Which requests are kept for `thampi replay`: failed ones, or besides them a share of all. */
  readonly record: 'off' | 'errors' | number
  /** Places in kept requests that are hidden. */
  readonly recordHide: readonly string[]
  /** Cross-origin pages that may call the endpoint: `cors`. */
  readonly cors: boolean | Readonly<Record<string, unknown>>
  /** Keys that only have a meaning on AWS, as they stand in the file (`extends` resolved). */
  readonly aws: Readonly<Record<string, unknown>>
}
