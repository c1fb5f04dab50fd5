/** Keys of Zappa that mean something else here, or nothing, or that no stage may have. */
import { type Key, type Row, table } from './key.ts'
import * as kind from './kinds.ts'

export const mapped: readonly Key[] = [
  ...table('map', 'everywhere', {
    runtime: [
      kind.matching(/^(python[23]\.\d{1,2}|nodejs2[24]\.x)$/, 'text such as "python3.13" or "nodejs24.x"'),
      'The Python that runs the model; of a model that needs none, the Node that runs it on AWS, `nodejs24.x` unless said.',
      { note: '`python3.6` and older stand for the Python that saved the model; `thampi.python` wins.' },
    ],
    remote_env_bucket: [
      kind.text,
      'The bucket of the remote environment.',
      { note: 'Becomes `remote_env`.' },
    ],
    remote_env_file: [kind.text, 'The file in that bucket.', { note: 'Becomes `remote_env`.' }],
  }),
  ...table('map', 'aws', {
    slim_handler: [
      kind.flag,
      'Load the project from S3.',
      { note: 'The kind of package is chosen by size.' },
    ],
    use_precompiled_packages: [
      kind.flag,
      'Use wheels made for Linux.',
      { note: 'Always; never files of the host.' },
    ],
    touch: [
      kind.flag,
      'Call the endpoint once deployed.',
      { note: 'Always a real prediction before traffic moves.' },
    ],
    touch_path: [kind.text, 'The path of that call.', { note: 'Always the path of predictions.' }],
    async_source: [
      kind.text,
      'The source of asynchronous tasks.',
      { note: 'Becomes asynchronous predictions.' },
    ],
    async_resources: [
      kind.flag,
      'Create what such tasks need.',
      { note: 'Becomes asynchronous predictions.' },
    ],
    async_response_table: [
      kind.text,
      'Where their answers are kept.',
      { note: 'Becomes asynchronous predictions.' },
    ],
    async_response_table_read_capacity: [
      kind.wholeNumber(1),
      'Reads a second of that table.',
      { note: 'The table scales by itself.' },
    ],
    async_response_table_write_capacity: [
      kind.wholeNumber(1),
      'Writes a second of that table.',
      { note: 'The table scales by itself.' },
    ],
  }),
]

const ours = 'Thampi brings its own.'
const byArn = 'Use `certificate_arn`.'

export const ignored: readonly Key[] = [
  ...table('ignore', 'everywhere', {
    app_function: [
      kind.anything,
      'The web application of a project.',
      {
        note: `${ours} \`thampi-app.app\` means just that and is accepted silently.`,
        isIgnored: value => value !== 'thampi-app.app',
      },
    ],
  }),
  ...ignore(ours, {
    app_type: 'The kind of that application.',
    lambda_handler: 'The entry point of the function.',
  }),
  ...ignore('A model imports what it needs.', { include: 'Libraries loaded at the start.' }),
  ...ignore(
    'What a model raises stands in the log with its stack, and in the answer unless `errors` is terse; no function is told.',
    {
      exception_handler: 'A Python function that is told of exceptions.',
    },
  ),
  ...ignore('Not offered yet.', { efs_config: 'File systems of the function.' }),
  ...ignore('Versions never change, so there is nothing to rewrite.', {
    settings_file: 'Python settings that travel with the project.',
    delete_local_zip: 'Delete the package after the upload.',
    delete_s3_zip: 'Delete the uploaded package.',
  }),
  ...ignore('Predictions are JSON texts, which need neither.', {
    binary_support: 'Bodies that are not text.',
    additional_text_mimetypes: 'Further content types that are text.',
  }),
  ...ignore('A model is given no headers.', {
    context_header_mappings: 'Parts of the request context that become headers.',
  }),
  ...ignore('Predictions are not cached by the API.', {
    cache_cluster_enabled: 'A cache of the API.',
    cache_cluster_size: 'Its size in GB.',
    cache_cluster_ttl: 'How long it keeps an answer.',
    cache_cluster_encrypted: 'Whether it is encrypted.',
  }),
  ...ignore(byArn, {
    certificate: 'A certificate in a file.',
    certificate_key: 'Its private key.',
    certificate_chain: 'Its chain.',
    lets_encrypt_key: 'An account key for certificates.',
  }),
  ...ignore('The endpoint has a front already.', {
    alb_enabled: 'A load balancer in front of the function.',
    alb_vpc_config: 'Its subnets.',
  }),
  ...ignore('A model answers requests; it is not called by events.', {
    events: 'Schedules and sources of events.',
    cognito: 'Triggers of user pools.',
    bot_events: 'Events of chat bots.',
    websocket_handler_module: 'A handler of WebSocket messages.',
  }),
]

export const refused: readonly Key[] = table('refuse', 'everywhere', {
  django_settings: [
    kind.anything,
    'The settings of a Django project.',
    {
      note: 'Thampi serves models, not web applications. Take the key out, or deploy this project with Zappa.',
    },
  ],
})

function ignore(note: string, meanings: Readonly<Record<string, string>>): Key[] {
  const rows = Object.entries(meanings).map(([name, meaning]): [string, Row] => [
    name,
    [kind.anything, meaning, { note }],
  ])
  return table('ignore', 'everywhere', Object.fromEntries(rows))
}
