/** The OpenAPI 3.1 document of a stage's model: what to send, what comes back, what can go wrong, with examples. */
import { parse, stringify } from 'lossless-json'
import { type Api, keyHeader, maxBodyBytes, predictPath } from './api.ts'
import { hoist } from './hoist.ts'
import { problemStatuses } from './problems.ts'

type Node = Readonly<Record<string, unknown>>

const schemas = '#/components/schemas/'

/**
 * The document as JSON text, indented. Numbers of the examples keep the digits they were recorded with.
 *
 * @example
 * openApi(api) // '{\n  "openapi": "3.1.0", …'
 */
export function openApi(api: Api): string {
  const document = {
    openapi: '3.1.0',
    info: {
      title: api.model,
      version: String(api.version),
      description: `Version ${api.version} on \`${api.stage}\`, trained ${api.properties.trained_time_utc} UTC, served ${api.servedTimeUtc} UTC.`,
    },
    servers: [{ url: api.server }],
    ...(api.needsKey ? { security: [{ apiKey: [] }, { bearer: [] }] } : {}),
    paths: { [predictPath(api)]: { post: predictOperation(api) } },
    components: {
      schemas: schemasOf(api),
      responses: responsesOf(api),
      headers: headersOfAnswers,
      ...(api.needsKey ? { securitySchemes } : {}),
    },
  }
  return `${stringify(document, undefined, 2)}\n`
}

function predictOperation(api: Api): Node {
  return {
    operationId: 'predict',
    summary: `Ask ${api.model} for a prediction`,
    description: [
      `The model gets the value under \`data\`. At most ${maxBodyBytes} bytes, answered within ${api.timeoutSeconds} seconds.`,
      ...(api.schema?.input === undefined || api.schema.declared
        ? []
        : ['The schemas are inferred from examples: hints, not limits. Input is not checked against them.']),
    ].join(' '),
    parameters: [
      {
        name: 'pretty',
        in: 'query',
        description: 'Indent the answer.',
        schema: { type: 'boolean', default: false },
      },
      {
        name: 'X-Request-Id',
        in: 'header',
        description: 'An id of yours for this request; logs and problems show it.',
        schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
      },
    ],
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: { $ref: `${schemas}Request` },
          ...examplesOf(api, ({ data }) => ({ data: parse(data) })),
        },
      },
    },
    responses: {
      200: {
        description: 'The prediction.',
        headers: referencesTo(['X-Request-Id', 'Thampi-Version']),
        content: {
          'application/json': {
            schema: { $ref: `${schemas}Answer` },
            ...examplesOf(api, ({ result }) =>
              result === undefined ? undefined : { properties: propertiesOf(api), result: parse(result) },
            ),
          },
        },
      },
      ...Object.fromEntries(
        statusesOf(api).map(({ status }) => [status, { $ref: `#/components/responses/Problem${status}` }]),
      ),
    },
  }
}

/** `value` says undefined where an example has no such part. */
function examplesOf(api: Api, value: (example: Api['examples'][number]) => unknown): Node {
  const entries = api.examples.flatMap((example, index): [string, Node][] => {
    const shown = value(example)
    if (shown === undefined) return []
    const summary = `Example ${index + 1}, recorded when the model was saved`
    return [[`example${index + 1}`, { summary, value: shown }]]
  })
  return entries.length === 0 ? {} : { examples: Object.fromEntries(entries) }
}

function propertiesOf({ properties, servedTimeUtc }: Api): Node {
  const { instance_id, thampi_data_version, trained_time_utc, tags } = properties
  return {
    ...{ instance_id, served_time_utc: servedTimeUtc },
    ...(tags === undefined ? {} : { tags }),
    ...{ thampi_data_version, trained_time_utc },
  }
}

function schemasOf(api: Api): Node {
  return {
    ...hoist('Data', api.schema?.input ?? {}, schemas),
    ...hoist('Result', api.schema?.output ?? {}, schemas),
    Request: {
      type: 'object',
      required: ['data'],
      properties: { data: { $ref: `${schemas}Data` } },
    },
    Answer: {
      type: 'object',
      required: ['properties', 'result'],
      properties: { properties: { $ref: `${schemas}Properties` }, result: { $ref: `${schemas}Result` } },
    },
    Properties: propertiesSchema,
    Problem: problemSchema,
  }
}

const securitySchemes: Node = {
  apiKey: { type: 'apiKey', in: 'header', name: keyHeader },
  bearer: { type: 'http', scheme: 'bearer' },
}

const text: Node = { type: 'string' }

const propertiesSchema: Node = {
  type: 'object',
  description: 'Which training and which release answered.',
  required: ['instance_id', 'served_time_utc', 'thampi_data_version', 'trained_time_utc'],
  properties: {
    instance_id: { ...text, description: 'Names the training.' },
    served_time_utc: { ...text, description: 'When this version was released; UTC without a zone.' },
    tags: { description: 'What was given to `save`.' },
    thampi_data_version: text,
    trained_time_utc: { ...text, description: 'UTC without a zone.' },
  },
}

const problemSchema: Node = {
  type: 'object',
  description: 'A problem document (RFC 9457). Switch on `code`; ignore members you do not know.',
  required: ['type', 'title', 'status', 'detail', 'code', 'retryable'],
  properties: {
    type: { ...text, format: 'uri' },
    title: text,
    status: { type: 'integer' },
    detail: { ...text, description: 'What happened this time.' },
    instance: { ...text, description: 'The request id, as a URN.' },
    code: { ...text, description: 'Stable.' },
    hint: { ...text, description: 'What to do about it.' },
    executed: { enum: ['no', 'maybe', 'yes'], description: 'Whether the model ran.' },
    retryable: { type: 'boolean', description: 'Whether the same request may succeed later.' },
    retryAfterMs: { type: 'integer', minimum: 0 },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'message'],
        properties: { pointer: { ...text, format: 'json-pointer' }, code: text, message: text },
      },
    },
  },
}

function responsesOf(api: Api): Node {
  const responses = statusesOf(api).map(({ status, codes, when }): [string, Node] => [
    `Problem${status}`,
    {
      description: `${when} Code: ${codes.map(code => `\`${code}\``).join(', ')}.`,
      headers: referencesTo(status === 503 ? ['X-Request-Id', 'Retry-After'] : ['X-Request-Id']),
      content: { 'application/problem+json': { schema: { $ref: `${schemas}Problem` } } },
    },
  ])
  return Object.fromEntries(responses)
}

/** Without keys nobody can lack one. */
function statusesOf({ needsKey }: Api): typeof problemStatuses {
  return problemStatuses.filter(({ status }) => needsKey || status !== 401)
}

const headersOfAnswers: Node = {
  'X-Request-Id': { description: 'The id of the request.', schema: text },
  'Thampi-Version': { description: 'The version that answered.', schema: { type: 'integer', minimum: 1 } },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } },
}

function referencesTo(names: readonly string[]): Node {
  return Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }]))
}
