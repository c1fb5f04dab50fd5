/**
 * Every key of a stage: what we make of it, which values it takes, what it means.
 * The reader, the JSON Schema for editors and the reference page all come from this one table.
 */
import { type Key, table } from './key.ts'
import * as kind from './kinds.ts'
import { ignored, mapped, refused } from './zappas-keys.ts'

const thampi = table('honour', 'everywhere', {
  package_manager: [kind.oneOf('pip', 'conda'), 'What installs the dependencies; `pip` unless said.'],
  platform: [
    kind.oneOf('local', 'aws'),
    'Where the stage is served; without it `aws` when the stage names a profile, else `local`.',
  ],
  errors: [
    kind.oneOf('full', 'terse'),
    'Whether callers see what the model raised; `terse` for `production` and with `"debug": false`, else `full`.',
  ],
  python: [
    kind.matching(/^3\.\d{1,2}$/, 'text such as "3.12"'),
    'The Python that runs the model; the one that saved it unless said.',
  ],
  max_sandboxes: [
    kind.wholeNumber(1, 10_000),
    'At most so many processes hold the model on the local platform; unless said one a core, more for models that mostly wait.',
  ],
  max_batch_size: [
    kind.wholeNumber(1, 4096),
    'At most so many requests are handed to `predict_batch` together; 64 unless said, 1 switches batches off.',
  ],
  max_wait_ms: [
    kind.wholeNumber(0, 60_000),
    'How long a batch that is not full waits for more; 0 unless said: a free model never waits.',
  ],
  max_concurrency: [
    kind.wholeNumber(1, 1000),
    'How many predictions one process works on at a time; 1 unless said. More needs a model that is safe with threads.',
  ],
  max_queue: [
    kind.wholeNumber(1, 100_000),
    'At most so many requests wait for a free process on the local platform; as many as pay unless said, more get 503.',
  ],
  idempotent: [
    kind.flag,
    'Whether a request may be asked again when its process died; true unless said. `false`: never twice, 502 instead.',
  ],
  memory_wall: [
    kind.flag,
    'On Linux, allocations beyond `memory_size` fail inside the model (`MemoryError`) instead of ending its process; `false` unless said.',
  ],
  record: [
    kind.offErrorsOrShare,
    'Which requests are kept for `thampi replay`: `"errors"`, or besides them a share of all from 0 to 1; `"off"` unless said. At most 200 of a stage, for 7 days.',
  ],
  record_hide: [
    kind.paths,
    'Places in kept requests that are replaced by "(hidden)", such as `data.patient.name` or `data.rows[*].email`.',
  ],
  dependency_sources: [
    kind.listOf('local', 'url', 'index', 'environment'),
    'What a dependency file may name besides the packages of one index when a model is packed for AWS; nothing unless said.',
  ],
  keep_boto3: [
    kind.flag,
    'Pack `boto3`, `botocore` and `s3transfer` although Lambda brings them; `false` unless said.',
  ],
  fork: [
    kind.flag,
    'Whether processes may be forked from one that has imported the libraries; true unless said.',
  ],
})

const everywhere = table('honour', 'everywhere', {
  thampi: [kind.object, 'The home of the settings that only Thampi has: the keys below.'],
  extends: [
    kind.text,
    'Another stage of this file; each of its keys counts here too, unless this stage has its own.',
  ],
  project_name: [
    kind.text,
    'The name of the model in the URL; made of the directory’s name, cut to 15 characters, unless said.',
  ],
  memory_size: [kind.wholeNumber(128, 10_240, 'MB'), 'Memory of one sandbox in MB; 512 unless said.'],
  timeout_seconds: [kind.wholeNumber(1, 900, 'seconds'), 'How long one prediction may take; 30 unless said.'],
  keep_warm: [kind.flag, 'Never stop the model for idleness; `true` unless said.'],
  lambda_concurrency: [
    kind.wholeNumber(1, 10_000),
    'At most so many predictions at a time; on the local platform, so many sandboxes.',
  ],
  environment_variables: [
    kind.environment,
    'The model’s environment; wins over every other source.',
    { secret: true },
  ],
  aws_environment_variables: [
    kind.environment,
    'The model’s environment, set natively; `environment_variables` wins.',
    { secret: true },
  ],
  exclude: [kind.texts, 'Patterns of files that are not packed.'],
  exclude_glob: [kind.texts, 'More patterns of files that are not packed.'],
  api_key_required: [kind.flag, 'Callers need an API key; `false` unless said.'],
  cors: [kind.flagOrObject, 'Pages of other origins may call the endpoint; `false` unless said.'],
  log_level: [
    kind.oneOf('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'),
    'The least important line that is logged; `DEBUG` unless said.',
  ],
  debug: [kind.flag, '`false` keeps what the model raised out of the answers; `true` unless said.'],
  prebuild_script: [
    kind.pythonFunction,
    'A Python function of the project that runs before anything is packed: `module.function`.',
  ],
  callbacks: [
    kind.callbacks,
    'More of them: `settings` runs once the settings were read, `zip` when the package is made, `post` when the traffic has moved.',
  ],
  num_retained_versions: [kind.wholeNumber(1, 10_000), 'How many versions of the stage are kept.'],
})

const onAws = table('honour', 'aws', {
  remote_env: [
    kind.matching(/^s3:\/\/[^/]+\/.+$/, 'text such as "s3://bucket/file.json"'),
    'A flat JSON file with more environment, read by the function when it starts; it comes before `aws_environment_variables` and behind `environment_variables`.',
  ],
  profile_name: [kind.text, 'The AWS profile whose credentials are used.'],
  aws_region: [kind.text, 'The AWS region; the profile’s own unless said.'],
  s3_bucket: [kind.text, 'The bucket for what is deployed.'],
  architecture: [kind.oneOf('x86_64', 'arm64'), 'The processor of the function; `x86_64` unless said.'],
  ephemeral_storage: [kind.ephemeralStorage, 'Scratch disk of the function in MB; 512 unless said.'],
  snap_start: [
    kind.oneOf('PublishedVersions', 'None'),
    'Start from a snapshot of the loaded model; decided by us unless said.',
  ],
  'thampi.provisioned_concurrency': [
    kind.wholeNumber(1, 10_000),
    'So many processes of every version with traffic are kept loaded, which costs money by the hour; none unless said. Not with SnapStart.',
  ],
  keep_warm_expression: [kind.text, 'How often the function is kept warm; `rate(4 minutes)` unless said.'],
  layers: [kind.texts, 'ARNs of further Lambda layers.'],
  lambda_description: [kind.textUpTo(200), 'The description of the function.'],
  aws_kms_key_arn: [kind.text, 'The key that encrypts the environment.'],
  tags: [kind.textByName, 'Tags of every resource of the stage.'],
  dead_letter_arn: [kind.text, 'Where failed asynchronous events go.'],
  xray_tracing: [kind.flag, 'Traces in X-Ray; `false` unless said.'],
  vpc_config: [kind.object, 'Subnets and security groups of the function.'],
  manage_roles: [kind.flag, 'Create and update the role of the function; `true` unless said.'],
  role_name: [
    kind.matching(/^[\w+=,.@-]{1,64}$/, 'a name as IAM takes it, of at most 64 characters'),
    'The name of the role; with `manage_roles` false, of one that somebody else made.',
  ],
  role_arn: [kind.text, 'A role made by somebody else.'],
  assume_policy: [
    kind.text,
    'A JSON file with the trust policy of the role: who may run as it. Lambda alone unless said.',
  ],
  attach_policy: [kind.text, 'A JSON file with a policy for the role, besides what the function needs.'],
  extra_permissions: [kind.objects, 'Further statements for the permissions of the role.'],
  apigateway_enabled: [kind.flag, 'An API Gateway in front of the function; `true` unless said.'],
  use_apigateway: [kind.flag, 'The older spelling of `apigateway_enabled`.'],
  apigateway_description: [kind.text, 'The description of the API.'],
  apigateway_version: [
    kind.oneOf('v1', 'v2'),
    'The kind of API: `v2`, an HTTP API, unless this or another key asks for `v1`, a REST API.',
  ],
  apigateway_policy: [kind.text, 'A file with the resource policy of the API.'],
  endpoint_configuration: [
    kind.oneOrMoreTexts,
    'The kind of the endpoint: `REGIONAL` unless said, `EDGE` or `PRIVATE`.',
  ],
  api_key: [kind.text, 'The id of an existing API key.', { secret: true }],
  iam_authorization: [kind.flag, 'Callers sign their requests; wins over `authorizer`; `false` unless said.'],
  authorizer: [
    kind.object,
    'Who decides about callers: `issuer` and `audience` of tokens, a Cognito pool in `provider_arns`, or the `arn` of a function.',
    {
      note: 'One given as a `function` of the project is ignored here and refused on AWS.',
      isIgnored: hasFunction,
    },
  ],
  payload_compression: [kind.flag, 'A REST API compresses answers; `true` unless said.'],
  payload_minimum_compression_size: [
    kind.wholeNumber(0, 10_485_760, 'bytes'),
    'Smaller answers are not compressed; 0 unless said.',
  ],
  cloudwatch_log_level: [kind.oneOf('OFF', 'ERROR', 'INFO'), 'What the API logs; `OFF` unless said.'],
  cloudwatch_data_trace: [kind.flag, 'The API logs whole requests and answers; `false` unless said.'],
  cloudwatch_metrics_enabled: [kind.flag, 'Detailed metrics of the API; `false` unless said.'],
  function_url_enabled: [kind.flag, 'A function URL; `false` unless said.'],
  function_url_config: [kind.object, 'Authorization and cross-origin rules of the function URL.'],
  domain: [kind.text, 'A domain of yours for the endpoint.'],
  base_path: [kind.text, 'The path under that domain.'],
  certificate_arn: [kind.text, 'The certificate of the domain.'],
  route53_enabled: [kind.flag, 'Create the DNS record of the domain; `true` unless said.'],
  aws_endpoint_urls: [kind.textByName, 'Other endpoints for the services of AWS.'],
})

/** The table, in the order of the reference page. */
export const keys: readonly Key[] = [
  ...everywhere,
  ...thampi.map(key => ({ ...key, name: `thampi.${key.name}` })),
  ...onAws,
  ...mapped,
  ...ignored,
  ...refused,
]

const byName: ReadonlyMap<string, Key> = new Map(keys.map(key => [key.name, key]))

export function findKey(name: string): Key | undefined {
  return byName.get(name)
}

function hasFunction(authorizer: unknown): boolean {
  return (
    typeof authorizer === 'object' &&
    authorizer !== null &&
    'function' in authorizer &&
    !('arn' in authorizer)
  )
}
